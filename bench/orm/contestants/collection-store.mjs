/** The package of this repository. */
export async function driver(load) {
  const { CollectionStoreDriver } = await load('collection-store-mikro-orm');
  return { driver: CollectionStoreDriver };
}
