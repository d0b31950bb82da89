/** MikroORM's own driver `@mikro-orm/pglite`, in memory. */
export async function driver(load) {
  const { PgliteDriver } = await load('@mikro-orm/pglite');
  return { driver: PgliteDriver, dbName: 'memory://' };
}
