/** The floor: what MikroORM itself costs over a driver that has the answers at hand. */
import { nullDriver } from '../null-driver.mjs';

export async function driver(load) {
  return { driver: nullDriver(await load('@mikro-orm/core')), schemaless: true };
}
