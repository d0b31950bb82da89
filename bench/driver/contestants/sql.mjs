/** A contestant that speaks SQL through prepared statements: what a careful user of it writes. Statements are prepared once. */
import { FIELDS, INDEXES, NAMES } from '../data.mjs';

const TYPES = { int: 'integer', text: 'text', real: 'real', bool: 'integer' };
const COLUMNS = NAMES.join(', ');

/** SQLite has no booleans, and its drivers take none. */
const valuesOf = (row) => [
  row.id,
  row.name,
  row.email,
  row.city,
  row.age,
  row.score,
  row.active ? 1 : 0,
  row.note,
];

/** The file in a directory; without one, the name of a database in memory. */
export const fileIn = (path) => (path === undefined ? ':memory:' : `${path}/data.db`);

/** The contestant over a connection that has `exec` and `prepare`. In a file it keeps commits as well as it can, by a log. */
export function sql(db, indexes) {
  db.exec('pragma journal_mode = wal; pragma synchronous = full');
  const columns = FIELDS.map(
    ([name, type]) => `${name} ${TYPES[type]} not null${name === 'id' ? ' primary key' : ''}`,
  );
  db.exec(`create table user (${columns.join(', ')})`);
  for (const name of indexes) {
    const { unique, fields } = INDEXES[name];
    db.exec(`create ${unique ? 'unique ' : ''}index ${name} on user (${fields.join(', ')})`);
  }
  const prepared = new Map();
  const statement = (text) => {
    let found = prepared.get(text);
    if (found === undefined) {
      found = db.prepare(text);
      prepared.set(text, found);
    }
    return found;
  };
  const all = (text) => {
    const select = `select ${COLUMNS} from user ${text}`;
    return (...values) => statement(select).all(...values);
  };
  const one = (text) => {
    const select = `select ${COLUMNS} from user ${text}`;
    return (...values) => statement(select).get(...values) ?? undefined;
  };
  const run = (text) => statement(text).run();
  const INSERT = `insert into user (${COLUMNS}) values (${NAMES.map(() => '?').join(', ')})`;
  const MERGE = NAMES.slice(1)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
  const UPSERT = `${INSERT} on conflict (id) do update set ${MERGE}`;

  const transaction = (work) => {
    run('begin');
    try {
      const result = work();
      run('commit');
      return result;
    } catch (error) {
      run('rollback');
      throw error;
    }
  };
  const writeAll = (text, rows) =>
    transaction(() => {
      const write = statement(text);
      for (const row of rows) write.run(...valuesOf(row));
      return rows.length;
    });

  return {
    get: one('where id = ?'),
    byUnique: one('where email = ?'),
    byIndex: all('where city = ?'),
    byComposite: all('where age = ? and name = ?'),
    upTo: all('where id <= ?'),
    range: all('where age >= ? and age < ? order by age, name, id limit ?'),
    page: all('order by id limit ? offset ?'),
    filtered: all('where score >= ? and active = 1 order by score desc limit ?'),
    countRange: (from, to) =>
      statement('select count(*) as n from user where age >= ? and age < ?').get(from, to).n,
    count: () => statement('select count(*) as n from user').get().n,
    insertMany: (rows) => writeAll(INSERT, rows),
    insert: (row) => transaction(() => Number(statement(INSERT).run(...valuesOf(row)).changes)),
    upsertMany: (rows) => writeAll(UPSERT, rows),
    update: (id, score) => Number(statement('update user set score = ? where id = ?').run(score, id).changes),
    updateMany: (changes) =>
      transaction(() => {
        const update = statement('update user set score = ? where id = ?');
        for (const { id, score } of changes) update.run(score, id);
        return changes.length;
      }),
    remove: (id) => Number(statement('delete from user where id = ?').run(id).changes),
    removeAbove: (id) => Number(statement('delete from user where id > ?').run(id).changes),
    savepoint: (id, score) =>
      transaction(() => {
        run('savepoint one');
        statement('update user set score = ? where id = ?').run(score, id);
        run('rollback to one');
        run('release one');
        return statement('select score from user where id = ?').get(id).score;
      }),
    nested: (id, score) =>
      transaction(() => {
        run('savepoint one');
        statement('update user set score = ? where id = ?').run(score, id);
        run('release one');
        return statement('select score from user where id = ?').get(id).score;
      }),
    version: () => `(SQLite ${statement('select sqlite_version() as v').get().v})`,
    close: () => db.close(),
  };
}
