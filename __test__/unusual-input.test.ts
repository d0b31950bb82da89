import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  Collection,
  Entity,
  ManyToMany,
  ManyToOne,
  MikroORM,
  OneToMany,
  PrimaryKey,
  Property,
  defineConfig,
} from 'collection-store-mikro-orm';
import { coreMajor } from './guide/project.js';

@Entity()
class Writer {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'array', nullable: true })
  marks?: string[];

  @OneToMany({ entity: () => Work, mappedBy: 'writer' })
  works = new Collection<Work>(this);
}

@Entity()
class Work {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Writer, nullable: true })
  writer?: Writer;

  @ManyToMany({ entity: () => Topic, owner: true })
  topics = new Collection<Topic>(this);
}

@Entity()
class Topic {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @OneToMany({ entity: () => Note, mappedBy: 'topic' })
  notes = new Collection<Note>(this);
}

@Entity()
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Topic })
  topic!: Topic;
}

@Entity()
class Stay {
  @PrimaryKey({ type: 'number' })
  room!: number;

  @PrimaryKey({ type: 'number' })
  day!: number;

  @Property({ type: 'string' })
  guest!: string;
}

let orm: MikroORM;

before(async () => {
  orm = await MikroORM.init(
    defineConfig({ entities: [Writer, Work, Topic, Note, Stay], dbName: ':memory:' }),
  );
  await orm.schema.createSchema();
  const em = orm.em.fork();
  await em.insertMany(Topic, [
    { id: 1, name: 'tides' },
    { id: 2, name: 'stars' },
  ]);
  await em.insertMany(Note, [
    { id: 1, topic: 1 },
    { id: 2, topic: 1 },
    { id: 3, topic: 2 },
  ] as never);
  await em.insertMany(Writer, [
    { id: 1, name: 'Ada' },
    { id: 2, name: 'Bo' },
    { id: 3, name: 'Cy' },
  ] as never);
  for (const [id, writer, topics] of [
    [1, 1, [1]],
    [2, 1, [1, 2]],
    [3, 2, []],
  ] as const) {
    await em.insert(Work, { id, writer, topics } as never);
  }
  await em.insert(Stay, { room: 1, day: 2, guest: 'Ada' });
});

after(() => orm.close(true));

const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);

describe('a page', () => {
  const page = (options: object) => orm.em.fork().find(Writer, {}, { orderBy: { id: 1 }, ...options });

  test('takes numbers of rows from texts, as those of a request are', async () => {
    assert.deepEqual(ids(await page({ limit: '1', offset: ' 1' })), [2]);
    assert.deepEqual(ids(await page({ limit: '2' })), [1, 2]);
  });

  test('with a negative limit has all rows, as in SQLite, and a negative offset passes over none', async () => {
    assert.deepEqual(ids(await page({ limit: -1 })), [1, 2, 3]);
    assert.deepEqual(ids(await page({ limit: 2, offset: -5 })), [1, 2]);
  });

  for (const value of ['x', '', '1.5', 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, {}, []]) {
    test(`does not take ${JSON.stringify(value)} for a number of rows: ${String(value)}`, async () => {
      await assert.rejects(() => page({ limit: value }), /limit needs a number of rows.*Writer/);
      await assert.rejects(() => page({ limit: 1, offset: value }), /offset needs a number of rows.*Writer/);
    });
  }
});

describe('a page of members', () => {
  const members = async (options: object) => {
    const work = await orm.em.fork().findOneOrFail(Work, 2);
    return ids(await work.topics.matching({ orderBy: { id: 1 }, ...options } as never));
  };

  test('takes numbers of rows as a page of rows does', async () => {
    assert.deepEqual(await members({ limit: '1', offset: ' 1' }), [2]);
    assert.deepEqual(await members({ limit: -1 }), [1, 2]);
    assert.deepEqual(await members({ limit: 1, offset: -5 }), [1]);
  });

  for (const value of ['x', 1.5, Number.NaN, true, {}]) {
    test(`does not take ${JSON.stringify(value)} for a number of rows: ${String(value)}`, async () => {
      await assert.rejects(() => members({ limit: value }), /limit needs a number of rows.*Work\.topics/);
      await assert.rejects(() => members({ limit: 1, offset: value }), /offset needs a number.*Work\.topics/);
    });
  }
});

test('fields of null are none that are named, as in SQL drivers', async () => {
  const [writer] = await orm.em.fork().find(Writer, { id: 1 }, { fields: null } as never);
  assert.equal(writer?.name, 'Ada');
});

describe('what is no list', () => {
  test('is not taken for the members of a collection', async () => {
    const em = orm.em.fork();
    const refused = /Work\.topics is a collection, not 1: give a list/;
    await assert.rejects(() => em.insert(Work, { id: 9, topics: 1 } as never), refused);
    await assert.rejects(() => em.nativeUpdate(Work, { id: 1 }, { topics: 1 } as never), refused);
    await assert.rejects(() => em.upsertMany(Work, [{ id: 9, topics: 1 }] as never), refused);
  });

  test('is not taken for the conditions of a union', async () => {
    const find = () => orm.em.fork().find(Writer, {}, { unionWhere: 'x' } as never);
    // MikroORM 7 looks into it before its drivers do.
    await assert.rejects(find, /unionWhere is a list of conditions, not "x"|unionWhere\.map is not/);
  });

  for (const marks of ['x,y', '', {}, 1, true]) {
    test(`is not stored where a list is read: ${JSON.stringify(marks)}`, async () => {
      const em = orm.em.fork();
      const refused = /Writer\.marks is a list, not .*: give an array/;
      await assert.rejects(() => em.insert(Writer, { id: 9, name: 'x', marks } as never), refused);
      await assert.rejects(() => em.insertMany(Writer, [{ id: 9, name: 'x', marks }] as never), refused);
      await assert.rejects(() => em.nativeUpdate(Writer, { id: 1 }, { marks } as never), refused);
    });
  }
});

test('any schema is the configured one, and an empty one is none', async () => {
  const em = orm.em.fork();
  for (const schema of ['*', '']) {
    assert.deepEqual(ids(await em.find(Writer, { works: { topics: { name: 'stars' } } }, { schema })), [1]);
    assert.equal(await em.count(Writer, {}, { schema }), 3);
    assert.equal(await em.nativeDelete(Topic, { id: 77 }, { schema }), 0);
  }
});

describe('keys', () => {
  const em = () => orm.em.fork();

  test('say nothing but a key: more is refused, and not passed over', async () => {
    for (const operator of ['$eq', '$ne']) {
      await assert.rejects(
        () => em().find(Work, { writer: { [operator]: { id: 1, name: 'Bo' } } } as never),
        /Work\.writer is a key of id/,
      );
    }
  });

  test('may be objects of their parts', async () => {
    const stays = await em().find(Stay, [{ room: 1, day: 2 }] as never);
    assert.deepEqual(
      stays.map(({ guest }) => guest),
      ['Ada'],
    );
  });
});

describe('rows to populate', () => {
  for (const strategy of ['joined', 'select-in'] as const) {
    test(`are chosen by the number of theirs (${strategy})`, async () => {
      const works = await orm.em.fork().find(Work, {}, {
        populate: ['writer'],
        populateWhere: { writer: { works: { $size: 2 } } },
        orderBy: { id: 1 },
        strategy,
      } as never);
      const names = works.map((work) => (work.writer as { name?: string } | null | undefined)?.name);
      assert.deepEqual(names.slice(0, 2), ['Ada', 'Ada']);
      assert.equal(names[2], undefined);
      const writers = await orm.em.fork().find(Writer, {}, {
        populate: ['works'],
        populateWhere: { works: { topics: { $size: { $gt: 1 } } } },
        orderBy: { id: 1 },
        strategy,
      } as never);
      assert.deepEqual(
        writers.map(({ works }) => ids(works.getItems())),
        [[2], [], []],
      );
    });
  }
});

describe('rows behind members of an M:N collection', () => {
  for (const strategy of ['joined', 'select-in'] as const) {
    test(`are those that the condition on the members says (${strategy})`, async () => {
      const em = orm.em.fork();
      const works = await em.find(Work, {}, { orderBy: { id: 1 } });
      await em.populate(works, ['topics.notes'], {
        where: { topics: { notes: { id: { $gt: 1 } } } },
        strategy,
      } as never);
      const found = works.map(({ topics }) =>
        topics.getItems().map((topic) => [topic.id, ids(topic.notes.getItems())]),
      );
      assert.deepEqual(found, [
        [[1, [2]]],
        [
          [1, [2]],
          [2, [3]],
        ],
        [],
      ]);
    });
  }
});

describe('what says nothing, or nothing that can be', () => {
  test('an overlap is one with a list', async () => {
    await assert.rejects(
      () => orm.em.fork().find(Writer, { marks: { $overlap: 'a' } } as never),
      /\$overlap operator expects an array value.*Writer\.marks/,
    );
  });

  test('an empty list is nothing to negate', async () => {
    await assert.rejects(
      () => orm.em.fork().find(Writer, { $not: [] } as never),
      /\$not needs a condition, not an array of 0 .*Writer/,
    );
  });

  test('an alternative that leads through relations and says nothing is none', async () => {
    const count = (where: object) => orm.em.fork().count(Writer, where as never);
    assert.equal(await count({ $or: [{ id: 1 }, { works: {} }] }), 1);
    assert.equal(await count({ $or: [{ id: 1 }, { works: { topics: { $and: [] } } }] }), 1);
    assert.equal(await count({ $or: [{ works: {} }, {}] }), 3);
    assert.equal(await count({ $not: { works: { topics: {} } } }), coreMajor === 6 ? 3 : 0);
  });

  test('a condition on groups that says nothing is none', async () => {
    assert.equal(await orm.em.fork().count(Writer, {}, { having: {} } as never), 3);
  });
});
