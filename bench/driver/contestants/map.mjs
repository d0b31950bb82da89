/**
 * A `Map` of objects by key, without an index: the floor for access by key and the memory of plain objects. Rows are copied
 * on their way in and out, as a store hands out rows that one may change. What it would have to go over all rows for, or
 * has no transactions for, it does not do.
 */
export function open() {
  const rows = new Map();
  const copy = (row) => row && { ...row };
  return {
    get: (id) => copy(rows.get(id)),
    upTo(id) {
      const found = [];
      for (let at = 1; at <= id; at += 1) found.push({ ...rows.get(at) });
      return found;
    },
    count: () => rows.size,
    insertMany(added) {
      for (const row of added) rows.set(row.id, { ...row });
      return added.length;
    },
    upsertMany(added) {
      for (const row of added) rows.set(row.id, { ...row });
      return added.length;
    },
    update(id, score) {
      rows.get(id).score = score;
      return 1;
    },
    updateMany(changes) {
      for (const { id, score } of changes) rows.get(id).score = score;
      return changes.length;
    },
    remove: (id) => (rows.delete(id) ? 1 : 0),
    removeAbove(id) {
      let removed = 0;
      for (let at = id + 1; rows.delete(at); at += 1) removed += 1;
      return removed;
    },
    close: () => rows.clear(),
  };
}
