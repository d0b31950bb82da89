/** MikroORM's own driver `@mikro-orm/libsql`, in memory. */
export async function driver(load) {
  const { LibSqlDriver } = await load('@mikro-orm/libsql');
  return { driver: LibSqlDriver };
}
