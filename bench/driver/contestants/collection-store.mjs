/** The engine of this package, by the calls that the driver makes of it. */
import { Engine } from '../../../dist/esm/native/engine.js';
import { FIELDS, INDEXES, NAMES } from '../data.mjs';

const TYPES = { int: 'int', text: 'text', real: 'float', bool: 'bool' };
const WIRES = { int: 'number', text: 'text', real: 'number', bool: 'bool' };

const part = (field) => ({ field });
const compare = (field, op, value) => ({ cmp: { op, path: part(field), value } });
const p = (number) => ({ p: number });
const all = (...exprs) => ({ all: exprs });
const asc = (...fields) => fields.map((field) => ({ path: part(field), desc: false }));

function flat(rows) {
  const values = [];
  for (const row of rows) {
    values.push(row.id, row.name, row.email, row.city, row.age, row.score, row.active, row.note);
  }
  return values;
}

export async function open(indexes, path, options) {
  const engine = path === undefined ? Engine.open() : await Engine.openPath(path, options);
  engine.applySchema({
    collections: [
      {
        name: 'user',
        fields: FIELDS.map(([name, type]) => ({ name, type: TYPES[type], nullable: false })),
        primary: ['id'],
        indexes: indexes.map((name) => ({
          name,
          paths: INDEXES[name].fields.map((field) => ({ field, json: [] })),
          unique: INDEXES[name].unique,
        })),
        foreign: [],
      },
    ],
  });
  const select = { fields: FIELDS.map(([field, type]) => ({ field, as: WIRES[type] })) };
  const find = (plan) => engine.compile({ find: { from: 'user', select, ...plan } });
  const ageRange = all(compare('age', 'gte', p(0)), compare('age', 'lt', p(1)));
  const byId = compare('id', 'eq', p(0));

  const plans = {
    get: find({ where: byId }),
    byUnique: find({ where: compare('email', 'eq', p(0)) }),
    byIndex: find({ where: compare('city', 'eq', p(0)) }),
    byComposite: find({ where: all(compare('age', 'eq', p(0)), compare('name', 'eq', p(1))) }),
    upTo: find({ where: compare('id', 'lte', p(0)) }),
    range: find({ where: ageRange, order: asc('age', 'name', 'id'), limit: p(2) }),
    page: find({ order: asc('id'), limit: p(0), offset: p(1) }),
    filtered: find({
      where: all(compare('score', 'gte', p(0)), compare('active', 'eq', { v: true })),
      order: [{ path: part('score'), desc: true }],
      limit: p(1),
    }),
    countRange: engine.compile({ count: { from: 'user', where: ageRange } }),
    count: engine.compile({ count: { from: 'user' } }),
    insert: engine.compile({ insert: { into: 'user', fields: NAMES } }),
    upsert: engine.compile({
      insert: {
        into: 'user',
        fields: NAMES,
        conflict: { fields: ['id'], action: 'merge', merge: NAMES.slice(1) },
      },
    }),
    update: engine.compile({
      update: { in: 'user', where: byId, set: [{ field: 'score', value: p(1) }] },
    }),
    updateMany: engine.compile({ updateMany: { in: 'user', key: ['id'], set: ['score'] } }),
    remove: engine.compile({ delete: { from: 'user', where: byId } }),
    removeAbove: engine.compile({ delete: { from: 'user', where: compare('id', 'gt', p(0)) } }),
  };

  const transaction = (work) => {
    const session = engine.begin();
    try {
      const result = work(session);
      session.commit();
      return result;
    } catch (error) {
      if (!session.closed) session.rollback();
      throw error;
    }
  };

  return {
    get: (id) => engine.find(plans.get, [id])[0],
    byUnique: (email) => engine.find(plans.byUnique, [email])[0],
    byIndex: (city) => engine.find(plans.byIndex, [city]),
    byComposite: (age, name) => engine.find(plans.byComposite, [age, name]),
    upTo: (id) => engine.find(plans.upTo, [id]),
    range: (from, to, limit) => engine.find(plans.range, [from, to, limit]),
    page: (limit, offset) => engine.find(plans.page, [limit, offset]),
    filtered: (from, limit) => engine.find(plans.filtered, [from, limit]),
    countRange: (from, to) => engine.count(plans.countRange, [from, to]),
    count: () => engine.count(plans.count),
    insertMany: (rows) => transaction((session) => session.write(plans.insert, flat(rows)).affected),
    insert: (row) => transaction((session) => session.write(plans.insert, flat([row])).affected),
    upsertMany: (rows) => transaction((session) => session.write(plans.upsert, flat(rows)).affected),
    update: (id, score) => engine.write(plans.update, [id, score]).affected,
    updateMany: (changes) =>
      transaction((session) => {
        const values = [];
        for (const { id, score } of changes) values.push(id, score);
        return session.write(plans.updateMany, values).affected;
      }),
    remove: (id) => engine.write(plans.remove, [id]).affected,
    removeAbove: (id) => engine.write(plans.removeAbove, [id]).affected,
    savepoint: (id, score) =>
      transaction((session) => {
        const savepoint = session.savepoint();
        session.write(plans.update, [id, score]);
        session.rollbackTo(savepoint);
        session.release(savepoint);
        return session.find(plans.get, [id])[0].score;
      }),
    nested: (id, score) =>
      transaction((session) => {
        const savepoint = session.savepoint();
        session.write(plans.update, [id, score]);
        session.release(savepoint);
        return session.find(plans.get, [id])[0].score;
      }),
    durable: () => engine.durable(),
    statistics: () => engine.statistics(),
    checkpoint: () => engine.checkpoint(),
    close: () => engine.close(),
  };
}
