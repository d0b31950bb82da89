/**
 * Chapter 1 ("First Entity") of the guide in MikroORM's documentation, as it prints the files of its project.
 *
 * What a reader changes to use the collection store is done here by `onCollectionStore`, and nothing else.
 */

/** The one change: another driver package, and the name of its driver class. */
function onCollectionStore(text: string): string {
  return text
    .replaceAll('@mikro-orm/sqlite', 'collection-store-mikro-orm')
    .replaceAll('SqliteDriver', 'CollectionStoreDriver');
}

/** The package to import decorators from: MikroORM 7 moved them out of core. */
export type DecoratorPackage =
  | '@mikro-orm/core'
  | '@mikro-orm/decorators/legacy'
  | 'collection-store-mikro-orm';

/** The project's manifest, with what the chapter installs: tools for TypeScript differ between the guides for 6 and 7. */
const manifest = (tools: readonly string[]) =>
  JSON.stringify({
    type: 'module',
    dependencies: Object.fromEntries(
      ['@mikro-orm/core', 'collection-store-mikro-orm', '@mikro-orm/reflection'].map((name) => [name, '*']),
    ),
    devDependencies: Object.fromEntries(
      ['@mikro-orm/cli', 'typescript', ...tools].map((name) => [name, '*']),
    ),
    scripts: {
      build: 'tsc',
      start: 'node --no-warnings=ExperimentalWarning --loader ts-node/esm src/server.ts',
    },
  });

const tsconfig = `{
  "compilerOptions": {
    "module": "NodeNext",
    "moduleResolution": "NodeNext",
    "target": "ES2022",
    "strict": true,
    "outDir": "dist",
    "declaration": true,
    "experimentalDecorators": true
  },
  "include": [
    "./src/**/*.ts"
  ],
  "ts-node": {
    "esm": true,
    "transpileOnly": true
  }
}
`;

/** The configuration in its first form: typed by `Options`, with an explicit driver. */
export const configWithOptions = onCollectionStore(`
import { Options, SqliteDriver } from '@mikro-orm/sqlite';
import { TsMorphMetadataProvider } from '@mikro-orm/reflection';

const config: Options = {
  // for simplicity, we use the SQLite database, as it's available pretty much everywhere
  driver: SqliteDriver,
  dbName: 'sqlite.db',
  // folder-based discovery setup, using common filename suffix
  entities: ['dist/**/*.entity.js'],
  entitiesTs: ['src/**/*.entity.ts'],
  // we will use the ts-morph reflection, an alternative to the default reflect-metadata provider
  // check the documentation for their differences: https://mikro-orm.io/docs/metadata-providers
  metadataProvider: TsMorphMetadataProvider,
  // enable debug mode to log SQL queries and discovery information
  debug: true,
};

export default config;
`);

/** The configuration in its second form: made by `defineConfig`, which knows the driver. */
export const configWithHelper = onCollectionStore(`
import { defineConfig } from '@mikro-orm/sqlite';
import { TsMorphMetadataProvider } from '@mikro-orm/reflection';

// no need to specify the \`driver\` now, it will be inferred automatically
export default defineConfig({
  dbName: 'sqlite.db',
  // folder-based discovery setup, using common filename suffix
  entities: ['dist/**/*.entity.js'],
  entitiesTs: ['src/**/*.entity.ts'],
  // we will use the ts-morph reflection, an alternative to the default reflect-metadata provider
  // check the documentation for their differences: https://mikro-orm.io/docs/metadata-providers
  metadataProvider: TsMorphMetadataProvider,
  // enable debug mode to log SQL queries and discovery information
  debug: true,
});
`);

const entity = (decorators: DecoratorPackage) => `
import { Entity, PrimaryKey, Property } from '${decorators}';

@Entity()
export class User {

  @PrimaryKey()
  id!: number;

  @Property()
  fullName!: string;

  @Property()
  email!: string;

  @Property()
  password!: string;

  @Property({ type: 'text' })
  bio = '';

}
`;

/** Loads the configuration as the command line does. */
const loadingByItself = `
import { MikroORM } from '@mikro-orm/sqlite'; // or any other driver package
import { wrap } from '@mikro-orm/core';
import { User } from './modules/user/user.entity.js';

// initialize the ORM, loading the config file dynamically
const orm = await MikroORM.init();
`;

/** Loads it "in a more explicit way". */
const loadingExplicitly = `
import { MikroORM } from '@mikro-orm/sqlite';
import config from './mikro-orm.config.js';
import { User } from './modules/user/user.entity.js';

const orm = await MikroORM.init(config);
`;

const newUser = `
// create new user entity instance
const user = new User();
user.email = 'foo@bar.com';
user.fullName = 'Foo Bar';
user.password = '123456';
`;

const persistInFork = `
// fork first to have a separate context
const em = orm.em.fork();

// first mark the entity with \`persist()\`, then \`flush()\`
await em.persist(user).flush();
`;

/** The first script: shows what the ORM gives access to, then meets the global EntityManager. */
export const scriptWithGlobalContext = onCollectionStore(`${loadingExplicitly}
console.log(orm.em); // access EntityManager via \`em\` property
console.log(orm.schema); // access SchemaGeneartor via \`schema\` property
${newUser}
// first mark the entity with \`persist()\`, then \`flush()\`
await orm.em.persist(user).flush();

// after the entity is flushed, it becomes managed, and has the PK available
console.log('user id is:', user.id);
`);

/** The second script: forks, and meets a store without a schema. */
export const scriptWithoutSchema = onCollectionStore(`${loadingExplicitly}${newUser}${persistInFork}`);

/**
 * The rest of the script as it stands at checkpoint 1, from the first flush on; it names the entity's class or schema.
 *
 * Where the chapter removes a `myUser3`, no snippet before it says what that is; it is loaded here as `myUser2` was.
 */
const checkpoint = (entity: string) => `
// after the entity is flushed, it becomes managed, and has the PK available
console.log('user id is:', user.id);

// find user by PK, same as \`em.findOne(${entity}, { id: 1 })\`
const userById = await em.findOne(${entity}, 1);
// find user by email
const userByEmail = await em.findOne(${entity}, { email: 'foo@bar.com' });
// find all users
const allUsers = await em.find(${entity}, {});

// user entity is now managed, if we try to find it again, we get the same reference
const myUser = await em.findOne(${entity}, user.id);
console.log('users are the same?', user === myUser)

// modifying the user and flushing yields update queries
user.bio = '...';
await em.flush();

// now try to create a new fork, does not matter if from \`orm.em\` or our existing \`em\` fork, as by default we get a clean one
const em2 = em.fork();
console.log('verify the EM ids are different:', em.id, em2.id);
const myUser2 = await em2.findOneOrFail(${entity}, user.id);
console.log('users are no longer the same, as they came from different EM:', user === myUser2);

// change the user
myUser2.bio = 'changed';

// reload user with \`em.refresh()\`
await em2.refresh(myUser2);
console.log('changes are lost', myUser2);

// let's try again
myUser2!.bio = 'some change, will be saved';
await em2.flush();

const userRef = em.fork().getReference(${entity}, 1);
console.log('userRef is initialized:', wrap(userRef).isInitialized());

await wrap(userRef).init();
console.log('userRef is initialized:', wrap(userRef).isInitialized());
console.log('userRef is:', wrap(userRef).toObject());

const myUser3 = await em2.findOne(${entity}, user.id);
// finally, remove the entity
await em2.remove(myUser3!).flush();
console.log('users left:', await em2.count(${entity}));

await orm.close();
`;

/** The whole script. */
const script = onCollectionStore(`${loadingByItself}
// recreate the database schema
await orm.schema.refreshDatabase();
${newUser}${persistInFork}${checkpoint('User')}`);

/** The project, with one of the configurations and with decorators from one of the packages. */
export const files = (config: string, decorators: DecoratorPackage) => ({
  'tsconfig.json': tsconfig,
  'package.json': manifest(['ts-node']),
  'src/mikro-orm.config.ts': config,
  'src/modules/user/user.entity.ts': entity(decorators),
  'src/server.ts': script,
});

/** The project of the guide for MikroORM 7, which has no decorators and names its entities one by one. */
export const filesOf7 = {
  'tsconfig.json': tsconfig,
  'package.json': manifest(['tsx']),
  'src/mikro-orm.config.ts': onCollectionStore(`
import { defineConfig } from '@mikro-orm/sqlite';
import { UserSchema } from './modules/user/user.entity.js';

export default defineConfig({
  // for simplicity, we use the SQLite database, as it's available pretty much everywhere
  dbName: 'sqlite.db',
  // explicitly list your entities - we'll create the User entity next
  entities: [UserSchema],
  // enable debug mode to log SQL queries and discovery information
  debug: true,
});
`),
  'src/modules/user/user.entity.ts': `
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const UserSchema = defineEntity({
  name: 'User',
  properties: {
    id: p.integer().primary(),
    fullName: p.string(),
    email: p.string(),
    password: p.string(),
    bio: p.text().default(''),
  },
});

export type IUser = InferEntity<typeof UserSchema>;
`,
  'src/server.ts': onCollectionStore(`
import { MikroORM } from '@mikro-orm/sqlite';
import { wrap } from '@mikro-orm/core';
import config from './mikro-orm.config.js';
import { UserSchema } from './modules/user/user.entity.js';

const orm = await MikroORM.init(config);

// recreate the database schema
await orm.schema.refresh();

// fork first to have a separate context
const em = orm.em.fork();

// create and persist the user in the forked context
const user = em.create(UserSchema, {
  email: 'foo@bar.com',
  fullName: 'Foo Bar',
  password: '123456',
});
await em.flush();
${checkpoint('UserSchema')}`),
};
