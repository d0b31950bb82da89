/** The example of the README's "Without SQL". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Check,
  CheckConstraintViolationException,
  Entity,
  Formula,
  MikroORM,
  PrimaryKey,
  Property,
  check,
  computed,
  defineConfig,
} from 'collection-store-mikro-orm';

@Entity()
@Check({ name: 'of_age', expression: check((person: Person) => person.age >= 18) })
class Person {
  @PrimaryKey()
  id!: number;

  @Property()
  first!: string;

  @Property()
  last!: string;

  @Property()
  age!: number;

  @Formula(computed((person: Person) => `${person.first} ${person.last}`))
  name?: string;

  @Property({ generated: computed((person: Person) => person.last.toLowerCase()), index: true })
  sortKey?: string;
}

test('what other databases compute in SQL is a function of the row', async () => {
  const orm = await MikroORM.init(defineConfig({ entities: [Person], dbName: ':memory:' }));
  await orm.schema.createSchema();
  const em = orm.em.fork();
  em.create(Person, { first: 'Ada', last: 'Lovelace', age: 36 });
  await em.flush();
  const ada = await orm.em.fork().findOneOrFail(Person, { sortKey: 'lovelace' });
  assert.equal(ada.name, 'Ada Lovelace');
  const child = orm.em.fork();
  child.create(Person, { first: 'Tim', last: 'Tiny', age: 7 });
  await assert.rejects(child.flush(), CheckConstraintViolationException);
  await orm.close(true);
});
