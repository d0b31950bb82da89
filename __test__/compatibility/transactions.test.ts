import assert from 'node:assert/strict';
import {
  AfterCreate,
  AfterDelete,
  AfterUpdate,
  AfterUpsert,
  BeforeCreate,
  BeforeDelete,
  BeforeUpdate,
  BeforeUpsert,
  Entity,
  OnInit,
  OnLoad,
  OptimisticLockError,
  PrimaryKey,
  Property,
} from 'collection-store-mikro-orm';
import { type Loose, coreMajor, logs, open, page, refused, schema } from './feature.js';
import { Author, Book, Tag, library } from './library.js';

/** The EntityManager of a filled store. */
const manager = async (options: object = {}): Promise<Loose> => (await library(options)).em.fork();

const feature = page('Transactions and concurrency', 'transactions');
feature('Implicit: `flush`', async () => {
  const em = await manager();
  em.create(Tag, { name: 'x' });
  await em.flush();
  assert.equal(await em.fork().count(Tag), 4);
});
feature('`em.transactional`', async () => {
  const em = await manager();
  await em.transactional(async (inner: Loose) => {
    assert.equal(inner.isInTransaction(), true);
    inner.create(Tag, { name: 'x' });
  });
  assert.equal(await em.fork().count(Tag), 4);
});
feature('`em.transactional` rolls back when it throws', async () => {
  const em = await manager();
  const fails = em.transactional(async (inner: Loose) => {
    await inner.insert(Tag, { name: 'x' });
    throw new RangeError();
  });
  await assert.rejects(fails, RangeError);
  assert.equal(await em.fork().count(Tag), 3);
});
feature('`em.begin`, `em.commit`, `em.rollback`', async () => {
  const em = await manager();
  await em.begin();
  await em.insert(Tag, { name: 'x' });
  await em.rollback();
  await em.begin();
  em.create(Tag, { name: 'y' });
  await em.commit();
  assert.equal(await em.fork().count(Tag), 4);
});
feature('Transactions do not see each other before they commit', async () => {
  const em = await manager();
  await em.transactional(async (inner: Loose) => {
    await inner.insert(Tag, { name: 'x' });
    assert.equal(await em.fork().count(Tag), 3);
    assert.equal(await inner.count(Tag), 4);
  });
});
feature('Nested transactions are savepoints', async () => {
  const em = await manager();
  await em.transactional(async (outer: Loose) => {
    await outer.insert(Tag, { name: 'outer' });
    const fails = outer.transactional(async (inner: Loose) => {
      await inner.insert(Tag, { name: 'inner' });
      throw new RangeError();
    });
    await assert.rejects(fails, RangeError);
  });
  assert.equal(await em.fork().count(Tag), 4);
});
/** How many of the rows of an outer and of an inner transaction are there, after the outer one was rolled back. */
async function propagated(propagation: string): Promise<number> {
  const em = await manager();
  const fails = em.transactional(async (outer: Loose) => {
    await outer.insert(Tag, { name: 'outer' });
    await outer.transactional((inner: Loose) => inner.insert(Tag, { name: 'inner' }), { propagation });
    throw new RangeError();
  });
  await assert.rejects(fails, RangeError);
  return (await em.fork().count(Tag)) - 3;
}
for (const propagation of ['nested', 'required', 'supports', 'mandatory']) {
  feature(`Propagation: \`${propagation.toUpperCase()}\``, { since: '6.5' }, async () =>
    assert.equal(await propagated(propagation), 0),
  );
}
for (const propagation of ['requires_new', 'not_supported']) {
  feature(`Propagation: \`${propagation.toUpperCase()}\``, { since: '6.5' }, async () =>
    assert.equal(await propagated(propagation), 1),
  );
}
feature('Propagation: `NEVER`', { since: '6.5' }, async () => {
  const em = await manager();
  await em.transactional(async (outer: Loose) =>
    refused(() => outer.transactional(async () => {}, { propagation: 'never' }), /transaction/),
  );
});
feature('`readOnly`', async () => {
  const em = await manager();
  await refused(
    () => em.transactional((inner: Loose) => inner.insert(Tag, { name: 'x' }), { readOnly: true }),
    /read-only/,
  );
  assert.equal(await em.transactional((inner: Loose) => inner.count(Tag), { readOnly: true }), 3);
});
feature('`ignoreNestedTransactions`', async () => {
  const em = await manager();
  await em.transactional(
    (outer: Loose) => outer.transactional((inner: Loose) => inner.insert(Tag, { name: 'x' })),
    { ignoreNestedTransactions: true },
  );
  assert.equal(await em.fork().count(Tag), 4);
});
feature('Isolation levels', async () => {
  const em = await manager();
  const sees = async (isolationLevel: string): Promise<number> =>
    em.fork().transactional(
      async (inner: Loose) => {
        await inner.count(Tag);
        await em.fork().insert(Tag, { name: 'x' });
        return inner.count(Tag);
      },
      { isolationLevel },
    );
  assert.equal(await sees('read committed'), 4);
  assert.equal(await sees('repeatable read'), 4);
  assert.equal(await sees('serializable'), 5);
});
feature('`disableTransactions`', async () => {
  const em = await manager({ disableTransactions: true });
  em.create(Tag, { name: 'x' });
  await em.flush();
  assert.equal(await em.fork().count(Tag), 4);
});
feature('`implicitTransactions: false`', async () => {
  const em = await manager({ implicitTransactions: false });
  em.create(Tag, { name: 'x' });
  await em.flush();
  assert.equal(await em.fork().count(Tag), 4);
});
feature(
  'Conflicts of two transactions',
  {
    differs:
      'Who changes a row that another transaction is changing waits for it, and then has a conflict; in SQLite there is one transaction at a time.',
  },
  async () => {
    const em = await manager();
    const [one, two] = [em.fork(), em.fork()];
    await one.begin();
    await two.begin();
    await two.count(Tag);
    await one.nativeUpdate(Tag, 1, { name: 'one' });
    const waiting = two.nativeUpdate(Tag, 1, { name: 'two' });
    await one.commit();
    await assert.rejects(waiting, { name: 'WriteConflictException', retryable: true });
    await two.rollback();
  },
);
/** Versioned rows, one of which another EntityManager has changed since. */
async function stale(version: object): Promise<Loose> {
  const Thing = schema('Thing', { name: { type: 'string' }, version: { version: true, ...version } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { name: 'x' });
  const em = orm.em.fork();
  const thing = await em.findOneOrFail(Thing, 1);
  return { em, orm, thing, Thing };
}
feature('Optimistic locks: a version number', async () => {
  const { em, orm, thing, Thing } = await stale({ type: 'integer' });
  thing.name = 'y';
  await em.flush();
  assert.equal(thing.version, 2);
  await orm.em.fork().nativeUpdate(Thing, 1, { name: 'z' });
  thing.name = 'w';
  await assert.rejects(() => em.flush(), OptimisticLockError);
});
feature('Optimistic locks: a version date', async () => {
  const { em, orm, thing, Thing } = await stale({ type: 'datetime' });
  assert.ok(thing.version instanceof Date);
  await orm.em.fork().nativeUpdate(Thing, 1, { version: new Date(0) });
  thing.name = 'w';
  await assert.rejects(() => em.flush(), OptimisticLockError);
});
feature('Optimistic locks: `em.lock` and `lockVersion`', async () => {
  const { em, thing, Thing } = await stale({ type: 'integer' });
  const { LockMode } = await import('collection-store-mikro-orm');
  await em.lock(thing, LockMode.OPTIMISTIC, 1);
  await assert.rejects(() => em.lock(thing, LockMode.OPTIMISTIC, 9), OptimisticLockError);
  const options = { lockMode: LockMode.OPTIMISTIC, lockVersion: 9 };
  await assert.rejects(() => em.findOne(Thing, 1, options), OptimisticLockError);
});
feature('Concurrency checks (`concurrencyCheck`)', async () => {
  const Thing = schema('Thing', { name: { type: 'string', concurrencyCheck: true } });
  const orm = await open([Thing]);
  await orm.em.fork().insert(Thing, { name: 'x' });
  const em = orm.em.fork();
  const thing = await em.findOneOrFail(Thing, 1);
  await orm.em.fork().nativeUpdate(Thing, 1, { name: 'other' });
  thing.name = 'mine';
  await assert.rejects(() => em.flush(), OptimisticLockError);
});
feature('Pessimistic locks outside of a transaction', async () => {
  const em = await manager();
  const { LockMode } = await import('collection-store-mikro-orm');
  await refused(() => em.findOne(Tag, 1, { lockMode: LockMode.PESSIMISTIC_WRITE }), /transaction/);
  await refused(() => em.find(Tag, 1, { lockMode: LockMode.PESSIMISTIC_WRITE }), /transaction/);
});
feature(
  'Pessimistic locks within a transaction',
  {
    differs: 'Rows are locked, and waited for; in SQLite the modes mean nothing.',
  },
  async () => {
    const em = await manager();
    const { LockMode } = await import('collection-store-mikro-orm');
    await em.transactional(async (inner: Loose) => {
      const modes = Object.values(LockMode).filter((mode) => typeof mode === 'number' && mode > 1);
      assert.equal(modes.length, 6);
      for (const lockMode of modes as number[]) {
        const tag = await inner.findOneOrFail(Tag, 1, { lockMode, lockTableAliases: ['t0'] });
        assert.equal((await inner.find(Tag, 1, { lockMode })).length, 1);
        await inner.refresh(tag, { lockMode });
        await inner.lock(tag, lockMode);
      }
      await refused(() => inner.find(Tag, 1, { lockMode: 99 }), /Unknown `lockMode` 99/);
    });
  },
);
feature('Context of transactions: calls of the outer EntityManager take part', async () => {
  const orm = await library({ allowGlobalContext: true });
  await assert.rejects(
    () =>
      orm.em.transactional(async () => {
        await orm.em.insert(Tag, { name: 'x' });
        throw new RangeError();
      }),
    RangeError,
  );
  assert.equal(await orm.em.fork().count(Tag), 3);
});

const outbox = page('Transactional outbox', 'transactional-outbox');
outbox('Events written in the same transaction, by a subscriber', async () => {
  const Event = schema('Event', { what: { type: 'string' } });
  const Thing = schema('Thing', { name: { type: 'string' } });
  const subscriber = {
    async onFlush({ uow, em }: Loose) {
      for (const { entity, name, type } of uow.getChangeSets())
        if (name !== 'Event')
          uow.computeChangeSet(em.create(Event, { what: `${type} ${entity.name}` }, { persist: false }));
    },
  };
  const orm = await open([Event, Thing], { subscribers: [subscriber] });
  const em = orm.em.fork();
  em.create(Thing, { name: 'x' });
  await em.flush();
  assert.equal(await orm.em.fork().count(Event, { what: 'create x' }), 1);
});

const events = page('Events', 'events');
const calls: string[] = [];
@Entity()
class Hooked {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'string' }) name!: string;

  @OnInit() onInit() {
    calls.push('onInit');
  }
  @OnLoad() onLoad() {
    calls.push('onLoad');
  }
  @BeforeCreate() beforeCreate() {
    calls.push('beforeCreate');
  }
  @AfterCreate() afterCreate() {
    calls.push('afterCreate');
  }
  @BeforeUpdate() beforeUpdate() {
    calls.push('beforeUpdate');
  }
  @AfterUpdate() afterUpdate() {
    calls.push('afterUpdate');
  }
  @BeforeUpsert() beforeUpsert() {
    calls.push('beforeUpsert');
  }
  @AfterUpsert() afterUpsert() {
    calls.push('afterUpsert');
  }
  @BeforeDelete() beforeDelete() {
    calls.push('beforeDelete');
  }
  @AfterDelete() afterDelete() {
    calls.push('afterDelete');
  }
}
/** The names of the hooks that are called while something runs. */
async function hooks(body: (em: Loose) => Promise<unknown>): Promise<string> {
  const orm = await open([Hooked]);
  const em = orm.em.fork();
  em.create(Hooked, { id: 1, name: 'x' });
  await em.flush();
  calls.length = 0;
  await body(orm.em.fork());
  return calls.join(' ');
}
events('`@BeforeCreate`, `@AfterCreate`', async () =>
  assert.match(
    await hooks(async (em) => em.persist(em.create(Hooked, { name: 'y' })).flush()),
    /beforeCreate afterCreate/,
  ),
);
events('`@OnInit`, `@OnLoad`', async () =>
  assert.equal(await hooks((em) => em.findOneOrFail(Hooked, 1)), 'onInit onLoad'),
);
events('`@BeforeUpdate`, `@AfterUpdate`', async () => {
  const called = await hooks(async (em) => {
    (await em.findOneOrFail(Hooked, 1)).name = 'z';
    await em.flush();
  });
  assert.match(called, /beforeUpdate afterUpdate/);
});
events('`@BeforeUpsert`, `@AfterUpsert`', async () =>
  assert.match(await hooks((em) => em.upsert(Hooked, { id: 1, name: 'u' })), /beforeUpsert.* afterUpsert/),
);
events('`@BeforeDelete`, `@AfterDelete`', async () =>
  assert.match(
    await hooks(async (em) => em.remove(await em.findOneOrFail(Hooked, 1)).flush()),
    /beforeDelete afterDelete/,
  ),
);
events('A hook’s changes are stored', async () => {
  const beforeUpdate = [({ entity }: Loose) => (entity.count = 7)];
  const Thing = schema(
    'Thing',
    { name: { type: 'string' }, count: { type: 'integer', nullable: true } },
    { hooks: { beforeUpdate } },
  );
  const orm = await open([Thing]);
  const em = orm.em.fork();
  const thing = em.create(Thing, { name: 'x' });
  await em.flush();
  thing.name = 'y';
  await em.flush();
  assert.equal((await orm.em.fork().findOneOrFail(Thing, 1)).count, 7);
});
/** What a subscriber hears of while something runs. */
async function heard(body: (em: Loose) => Promise<unknown>, wanted: readonly string[]): Promise<string[]> {
  const told: string[] = [];
  const subscriber: Loose = Object.fromEntries(
    wanted.map((name) => [
      name,
      async ({ entity }: Loose) => told.push(entity ? `${name} ${entity.name}` : name),
    ]),
  );
  const em = await manager();
  em.getEventManager().registerSubscriber(subscriber);
  await body(em);
  return told;
}
events('Subscribers: `beforeCreate`, `afterCreate`, `beforeUpdate`, …', async () => {
  const body = async (em: Loose) => {
    const tag = em.create(Tag, { name: 'x' });
    await em.flush();
    tag.name = 'y';
    await em.flush();
    await em.remove(tag).flush();
  };
  const wanted = [
    'beforeCreate',
    'afterCreate',
    'beforeUpdate',
    'afterUpdate',
    'beforeDelete',
    'afterDelete',
  ];
  assert.deepEqual(await heard(body, wanted), [
    'beforeCreate x',
    'afterCreate x',
    'beforeUpdate y',
    'afterUpdate y',
    'beforeDelete y',
    'afterDelete y',
  ]);
});
events('Subscribers of some entities (`getSubscribedEntities`)', async () => {
  const told: string[] = [];
  const em = await manager({
    subscribers: [
      {
        getSubscribedEntities: () => [Tag],
        beforeCreate: ({ entity }: Loose) => void told.push(entity.name),
      },
    ],
  });
  told.length = 0;
  em.create(Tag, { name: 'x' });
  em.create(Author, { name: 'Dan' });
  await em.flush();
  assert.deepEqual(told, ['x']);
});
events('`beforeFlush`, `onFlush`, `afterFlush`', async () => {
  const body = async (em: Loose) => {
    em.create(Tag, { name: 'x' });
    await em.flush();
  };
  assert.deepEqual(await heard(body, ['beforeFlush', 'onFlush', 'afterFlush']), [
    'beforeFlush',
    'onFlush',
    'afterFlush',
  ]);
});
events('Entities made in `onFlush`', async () => {
  const em = await manager();
  em.getEventManager().registerSubscriber({
    async onFlush({ uow, em: inner }: Loose) {
      if (uow.getChangeSets().some(({ entity }: Loose) => entity instanceof Author))
        uow.computeChangeSet(inner.create(Tag, { name: 'made' }, { persist: false }));
    },
  });
  em.create(Author, { name: 'Dan' });
  await em.flush();
  assert.equal(await em.fork().count(Tag, { name: 'made' }), 1);
});
const transactionEvents = [
  'beforeTransactionStart',
  'afterTransactionStart',
  'beforeTransactionCommit',
  'afterTransactionCommit',
  'beforeTransactionRollback',
  'afterTransactionRollback',
];
events('Events of transactions', async () => {
  const commit = await heard(
    (em) => em.transactional((inner: Loose) => inner.insert(Tag, { name: 'x' })),
    transactionEvents,
  );
  assert.deepEqual(commit, transactionEvents.slice(0, 4));
  const rollback = await heard(
    (em) => em.transactional(() => Promise.reject(new RangeError())).catch(() => undefined),
    transactionEvents,
  );
  assert.deepEqual(rollback, [...transactionEvents.slice(0, 2), ...transactionEvents.slice(4)]);
});
events('Events of nested transactions', { since: '7' }, async () => {
  const told = await heard(
    (em) => em.transactional((outer: Loose) => outer.transactional(async () => {})),
    ['beforeTransactionStart'],
  );
  assert.equal(told.length, 2);
});

const logging = page('Logging', 'logging');
/** The lines that are logged while something runs. */
async function logged(body: (em: Loose) => unknown, options: object = {}): Promise<string[]> {
  const { lines, options: own } = logs();
  const em = await manager({ debug: true, ...own, ...options });
  lines.length = 0;
  await body(em);
  return lines;
}
logging('Queries (`debug`)', { differs: 'A call of the store is logged in place of SQL.' }, async () => {
  const [line] = await logged((em) => em.find(Book, { title: 'A' }));
  assert.match(line ?? '', /\[query\].*book/);
  assert.doesNotMatch(line ?? '', /select/);
});
logging('Namespaces (`debug: [...]`)', async () => {
  assert.equal((await logged((em) => em.find(Book, {}), { debug: ['info'] })).length, 0);
  assert.equal((await logged((em) => em.find(Book, {}), { debug: ['query'] })).length, 1);
});
logging('Parameters (`query-params`)', async () => {
  const [line] = await logged((em) => em.find(Book, { title: 'needle' }), {
    debug: ['query', 'query-params'],
  });
  assert.match(line ?? '', /needle/);
});
logging('Labels and context (`logging`)', async () => {
  const [line] = await logged((em) => em.find(Book, {}, { logging: { label: 'mine' } }));
  assert.match(line ?? '', /\(mine\)/);
});
logging('Switched off, or on, for one query', async () => {
  assert.equal((await logged((em) => em.find(Book, {}, { logging: { enabled: false } }))).length, 0);
  assert.equal(
    (await logged((em) => em.find(Book, {}, { logging: { enabled: true } }), { debug: false })).length,
    1,
  );
});
logging('A logger of one’s own (`loggerFactory`)', async () => {
  const { DefaultLogger } = (await import('collection-store-mikro-orm')) as Loose;
  const seen: Loose[] = [];
  class Mine extends DefaultLogger {
    logQuery(context: Loose) {
      seen.push(context);
    }
  }
  await logged((em) => em.find(Book, {}), {
    loggerFactory: (options: Loose) => new (Mine as Loose)(options),
  });
  assert.match(seen.at(-1).query, /book/);
  assert.equal(typeof seen.at(-1).took, 'number');
});
logging('`SimpleLogger`', async () => {
  const { SimpleLogger } = (await import('collection-store-mikro-orm')) as Loose;
  const lines = await logged((em) => em.find(Book, {}), { loggerFactory: SimpleLogger.create });
  assert.equal(lines.length, 1);
});
logging('Slow queries (`slowQueryThreshold`)', { since: '7' }, async () => {
  const lines = await logged((em) => em.find(Book, {}), { debug: false, slowQueryThreshold: 0 });
  assert.equal(lines.length, 1);
});
logging(
  'Highlighters',
  { differs: 'They colour SQL and JavaScript; a call of the store stays as it is.' },
  async () => {
    const highlighter = { highlight: (text: string) => text };
    assert.equal((await logged((em) => em.find(Book, {}), { highlighter })).length, 1);
    assert.ok(coreMajor);
  },
);
