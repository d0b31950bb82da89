/** MikroORM's own driver `@mikro-orm/sqlite`, in memory. */
export async function driver(load) {
  const { SqliteDriver } = await load('@mikro-orm/sqlite');
  return { driver: SqliteDriver };
}
