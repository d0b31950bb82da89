/** Made data: authors, ten times as many books, and tags. */
import { entitiesOf, fill as fillAll } from './model.mjs';

export { entitiesOf };
export { WORK } from './work.mjs';

export const fill = async (em, entities, { size }) => fillAll(em, entities, size);

/** What holds of the books at the end. What the work that stops by its budget has written differs with the time that it had: ratings are left out. */
export async function state(em, { Book }) {
  const rows = await em.find(Book, { id: { $lte: 1_000 } }, { orderBy: { id: 'asc' } });
  return rows.map(({ id, title, year, author }) => [id, title, year, author.id]);
}
