/**
 * A driver without an engine: rows by key from a `Map`, every other answer found by going over all rows once and then
 * remembered until something is written. It knows as much as the work of the benchmark asks for, and refuses the rest.
 */

const TO_MANY = new Set(['1:m', 'm:n']);
const COMPARE = {
  $eq: (a, b) => a === b,
  $ne: (a, b) => a !== b,
  $in: (a, b) => b.includes(a),
  $gt: (a, b) => a > b,
  $gte: (a, b) => a >= b,
  $lt: (a, b) => a < b,
  $lte: (a, b) => a <= b,
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const NO_KEYS = [];
const metadataOf = (storage) => {
  const all = storage.getAll();
  return all instanceof Map ? [...all.values()] : Object.values(all);
};

export function nullDriver({ Connection, DatabaseDriver, Platform, Utils }) {
  /** Does nothing but undo what a rolled back transaction has written. */
  class NullConnection extends Connection {
    undo = [];
    connect() {
      this.connected = true;
    }
    isConnected() {
      return Promise.resolve(true);
    }
    checkConnection() {
      return Promise.resolve({ ok: true });
    }
    getDefaultClientUrl() {
      return '';
    }
    getClientUrl() {
      return '';
    }
    execute() {
      throw new Error('The null driver executes no text');
    }
    begin() {
      return Promise.resolve({ from: this.undo.length });
    }
    commit() {
      return Promise.resolve();
    }
    rollback({ from }) {
      for (const step of this.undo.splice(from).reverse()) step();
      return Promise.resolve();
    }
    async transactional(work, options = {}) {
      const outermost = options.ctx === undefined;
      const transaction = { from: this.undo.length };
      try {
        return await work(transaction);
      } catch (error) {
        await this.rollback(transaction);
        throw error;
      } finally {
        if (outermost) this.undo.length = 0;
      }
    }
  }

  class NullPlatform extends Platform {
    usesPivotTable() {
      return true;
    }
    usesBatchUpdates() {
      return true;
    }
  }

  return class NullDriver extends DatabaseDriver {
    constructor(config) {
      super(config, []);
      this.platform = new NullPlatform();
      this.connection = new NullConnection(config);
      this.tables = new Map();
      this.pivots = new Map();
      this.known = new Map();
      this.groups = new Map();
    }

    table(name) {
      let table = this.tables.get(name);
      if (table === undefined) {
        // Major 7 knows entities by their classes, relations of the driver by their names.
        const meta =
          typeof name === 'string'
            ? metadataOf(this.metadata).find(({ className }) => className === name)
            : this.metadata.get(name);
        table = this.tables.get(meta.className) ?? {
          meta,
          rows: new Map(),
          key: meta.primaryKeys[0],
          next: 1,
        };
        this.tables.set(name, table).set(meta.className, table);
      }
      return table;
    }

    /** The key that a condition gives, if that is all it asks for. */
    keyOf(table, where) {
      const key = isObject(where) ? where[table.key] : where;
      if (isObject(where) && Object.keys(where).length > 1) return undefined;
      return typeof key === 'number' ? key : undefined;
    }

    keys(table, where, options = {}) {
      const key = this.keyOf(table, where);
      if (key !== undefined) return table.rows.has(key) ? [key] : NO_KEYS;
      const { orderBy, limit, offset } = options;
      const question = JSON.stringify([table.meta.className, where, orderBy, limit, offset]);
      let keys = this.known.get(question);
      if (keys === undefined) {
        let rows = [...table.rows.values()].filter((row) => this.matches(table, row, where));
        for (const order of [orderBy ?? []].flat().reverse()) {
          for (const [field, direction] of Object.entries(order).reverse()) {
            const sign = /^desc/i.test(direction) || direction === -1 ? -1 : 1;
            rows.sort((a, b) => (a[field] < b[field] ? -sign : a[field] > b[field] ? sign : 0));
          }
        }
        const from = offset ?? 0;
        if (from > 0 || limit !== undefined) rows = rows.slice(from, limit && from + limit);
        keys = rows.map((row) => row[table.key]);
        this.known.set(question, keys);
      }
      return keys;
    }

    matches(table, row, where) {
      if (!isObject(where))
        return Array.isArray(where) ? where.includes(row[table.key]) : row[table.key] === where;
      return Object.entries(where).every(([name, asked]) => {
        if (name === '$and') return asked.every((one) => this.matches(table, row, one));
        if (name === '$or') return asked.some((one) => this.matches(table, row, one));
        const property = table.meta.properties[name];
        if (property === undefined) throw new Error(`The null driver does not know ${name}`);
        if (TO_MANY.has(property.kind)) {
          const target = this.table(property.targetMeta.className ?? property.type);
          return this.related(table, property, row[table.key]).some((other) =>
            this.matches(target, other, asked),
          );
        }
        if (!isObject(asked)) return Array.isArray(asked) ? asked.includes(row[name]) : row[name] === asked;
        const operators = Object.keys(asked);
        if (operators.every((operator) => operator in COMPARE)) {
          return operators.every((operator) => COMPARE[operator](row[name], asked[operator]));
        }
        if (property.kind !== 'm:1')
          throw new Error(`The null driver does not know ${JSON.stringify(asked)}`);
        const target = this.table(property.targetMeta.className);
        const other = target.rows.get(row[name]);
        return other !== undefined && this.matches(target, other, asked);
      });
    }

    /** The rows that a property with many of them leads to. */
    related(table, property, key) {
      const target = this.table(property.targetMeta.className);
      const name = `${table.meta.className}.${property.name}`;
      let groups = this.groups.get(name);
      if (groups === undefined) {
        groups = new Map();
        const add = (owner, row) => groups.get(owner)?.push(row) ?? groups.set(owner, [row]);
        if (property.kind === '1:m') {
          for (const row of target.rows.values()) add(row[property.mappedBy], row);
        } else {
          const owning = property.owner ? name : `${target.meta.className}.${property.mappedBy}`;
          for (const [owner, others] of this.pivots.get(owning) ?? []) {
            for (const other of others) {
              if (property.owner) add(owner, target.rows.get(other));
              else add(other, target.rows.get(owner));
            }
          }
        }
        this.groups.set(name, groups);
      }
      return groups.get(key) ?? NO_KEYS;
    }

    written(undo) {
      if (this.known.size > 0) this.known.clear();
      if (this.groups.size > 0) this.groups.clear();
      this.connection.undo.push(undo);
    }

    rowsOf(table, where, options) {
      if (options?.populate?.some(({ strategy }) => strategy === 'joined')) {
        throw new Error('The null driver joins nothing');
      }
      return this.keys(table, where, options).map((key) => ({ ...table.rows.get(key) }));
    }

    async find(name, where, options) {
      return this.rowsOf(this.table(name), where, options);
    }

    async findOne(name, where, options) {
      return this.rowsOf(this.table(name), where, options)[0] ?? null;
    }

    async count(name, where) {
      return this.keys(this.table(name), where).length;
    }

    insert(table, data) {
      const row = { ...data };
      for (const property of table.meta.relations) {
        if (property.kind === 'm:n' && Array.isArray(row[property.name])) {
          const name = `${table.meta.className}.${property.name}`;
          if (!this.pivots.has(name)) this.pivots.set(name, new Map());
          this.pivots.get(name).set(row[table.key] ?? table.next, row[property.name]);
          delete row[property.name];
        }
      }
      row[table.key] ??= table.next;
      const key = row[table.key];
      if (key >= table.next) table.next = key + 1;
      table.rows.set(key, row);
      this.written(() => table.rows.delete(key));
      return key;
    }

    async nativeInsert(name, data) {
      const insertId = this.insert(this.table(name), data);
      return { insertId, affectedRows: 1 };
    }

    async nativeInsertMany(name, data) {
      const table = this.table(name);
      const rows = data.map((row) => ({ [table.key]: this.insert(table, row) }));
      return { affectedRows: data.length, insertId: rows[0]?.[table.key], rows };
    }

    change(table, where, data, upsert) {
      const keys = this.keys(table, where);
      if (keys.length === 0 && upsert) return [this.insert(table, data)];
      for (const key of keys) {
        const before = table.rows.get(key);
        table.rows.set(key, { ...before, ...data });
        this.written(() => table.rows.set(key, before));
      }
      return keys;
    }

    async nativeUpdate(name, where, data, options) {
      return { affectedRows: this.change(this.table(name), where, data, options?.upsert).length };
    }

    async nativeUpdateMany(name, where, data, options) {
      const table = this.table(name);
      let affectedRows = 0;
      data.forEach((row, at) => {
        affectedRows += this.change(table, where[at], row, options?.upsert).length;
      });
      return { affectedRows };
    }

    async nativeDelete(name, where) {
      const table = this.table(name);
      const asked = isObject(where) ? where[table.key] : where;
      const list = Array.isArray(asked) ? asked : asked?.$in;
      const keys = list ? list.flat() : [...this.keys(table, where)];
      for (const key of keys) {
        const row = table.rows.get(key);
        table.rows.delete(key);
        this.written(() => table.rows.set(key, row));
      }
      return { affectedRows: keys.length };
    }

    async loadFromPivotTable(property, owners) {
      const found = {};
      const opposite = property.targetMeta.properties[property.inversedBy ?? property.mappedBy];
      const table = this.table(opposite.targetMeta.className);
      for (const owner of owners) {
        found[Utils.getPrimaryKeyHash(owner)] = this.related(table, property, owner[0]).map((row) => ({
          ...row,
        }));
      }
      return found;
    }

    async syncCollections(collections) {
      for (const collection of collections) {
        if (collection.length > 0) throw new Error('The null driver changes no collections');
      }
    }
  };
}
