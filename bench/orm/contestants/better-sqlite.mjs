/** MikroORM's own driver `@mikro-orm/better-sqlite`, in memory. */
export async function driver(load) {
  const { BetterSqliteDriver } = await load('@mikro-orm/better-sqlite');
  return { driver: BetterSqliteDriver };
}
