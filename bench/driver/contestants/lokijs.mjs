/**
 * LokiJS: objects in arrays with hash indexes for unique fields and binary ones for others. Rows are cloned on their way in
 * and out, as a store hands out rows that one may change. It has no composite indexes, and no savepoints.
 */
import { INDEXES } from '../data.mjs';

export async function open(indexes) {
  const { default: Loki } = await import('lokijs');
  const of = (unique) => indexes.map((name) => INDEXES[name]).filter((index) => index.unique === unique);
  const user = new Loki('bench').addCollection('user', {
    unique: ['id', ...of(true).map(({ fields: [field] }) => field)],
    indices: ['id', ...of(false).map(({ fields: [field] }) => field)],
    clone: true,
    cloneMethod: 'shallow',
    disableMeta: true,
    // Kept up row by row they cost more with each row; made anew when next asked for, once after many rows.
    adaptiveBinaryIndices: false,
  });
  const change = (id, score) => {
    const row = user.by('id', id);
    row.score = score;
    user.update(row);
    return 1;
  };
  const all = (found) => found.data({ forceClones: true, forceCloneMethod: 'shallow' });
  return {
    get: (id) => user.by('id', id),
    byUnique: (email) => user.by('email', email),
    byIndex: (city) => all(user.chain().find({ city })),
    byComposite: (age, name) => all(user.chain().find({ age }).find({ name })),
    upTo: (id) => all(user.chain().find({ id: { $lte: id } })),
    range: (from, to, limit) =>
      all(
        user
          .chain()
          .find({ age: { $gte: from } })
          .find({ age: { $lt: to } })
          .compoundsort(['age', 'name', 'id'])
          .limit(limit),
      ),
    page: (limit, offset) => all(user.chain().simplesort('id').offset(offset).limit(limit)),
    filtered: (from, limit) =>
      all(
        user
          .chain()
          .find({ score: { $gte: from } })
          .find({ active: true })
          .simplesort('score', true)
          .limit(limit),
      ),
    countRange: (from, to) =>
      user
        .chain()
        .find({ age: { $gte: from } })
        .find({ age: { $lt: to } })
        .count(),
    count: () => user.count(),
    insertMany(rows) {
      user.insert(rows);
      return rows.length;
    },
    upsertMany(rows) {
      for (const row of rows) {
        const known = user.by('id', row.id);
        if (known) user.update(Object.assign(known, row));
        else user.insert(row);
      }
      return rows.length;
    },
    update: change,
    updateMany(changes) {
      for (const { id, score } of changes) change(id, score);
      return changes.length;
    },
    remove(id) {
      user.remove(user.by('id', id));
      return 1;
    },
    removeAbove(id) {
      const rows = user.chain().find({ id: { $gt: id } });
      const count = rows.count();
      rows.remove();
      return count;
    },
    close: () => user.clear(),
  };
}
