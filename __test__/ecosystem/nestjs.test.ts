/** An application of NestJS on the store: what `@mikro-orm/nestjs` injects, and its context for each request. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { EntityManager as CoreEntityManager, MikroORM as CoreMikroORM } from '@mikro-orm/core';
import { getRepositoryToken, InjectRepository, MikroOrmModule } from '@mikro-orm/nestjs';
import {
  Body,
  Controller,
  Get,
  type INestApplicationContext,
  Inject,
  Injectable,
  Module,
  Param,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CollectionStoreDriver,
  CollectionStoreEntityManager,
  CollectionStoreEntityRepository,
  CollectionStoreMikroORM,
  CreateRequestContext,
  defineConfig,
  EnsureRequestContext,
  Entity,
  EntityManager,
  type EntityRepository,
  PrimaryKey,
  Property,
  RequestContext,
  Transactional,
  Unique,
} from 'collection-store-mikro-orm';
import { coreMajor } from '../guide/project.js';

class CityRepository extends CollectionStoreEntityRepository<City> {
  byName(name: string): Promise<City | null> {
    return this.findOne({ name });
  }
}

@Entity({ repository: () => CityRepository })
class City {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  @Unique()
  name!: string;
}

@Entity()
class River {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;
}

@Injectable()
class CityService {
  constructor(
    // Decorators that open contexts look for a property of this name.
    @Inject(CoreMikroORM) readonly orm: CoreMikroORM,
    @Inject(CoreEntityManager) readonly em: CoreEntityManager,
    @Inject(EntityManager) readonly storeEm: EntityManager,
    @Inject(CityRepository) readonly cities: CityRepository,
    @InjectRepository(River) readonly rivers: EntityRepository<River>,
  ) {}

  add(name: string): City {
    const city = this.em.create(City, { name } as City);
    this.em.persist(city);
    return city;
  }

  @CreateRequestContext()
  async job(name: string): Promise<unknown> {
    this.add(name);
    await this.em.flush();
    return RequestContext.getEntityManager();
  }

  @EnsureRequestContext()
  async step(): Promise<unknown> {
    return RequestContext.getEntityManager();
  }

  @CreateRequestContext()
  async jobOfSteps(): Promise<boolean> {
    return (await this.step()) === RequestContext.getEntityManager();
  }

  @Transactional()
  async addAll(names: string[]): Promise<void> {
    for (const name of names) {
      this.add(name);
      await this.em.flush();
    }
  }
}

const managers: unknown[] = [];

@Controller('cities')
class CityController {
  constructor(
    @Inject(CityService) private readonly service: CityService,
    @Inject(EntityManager) private readonly em: EntityManager,
  ) {}

  @Post()
  async create(@Body() body: { names: string[] }): Promise<{ count: number }> {
    await this.service.addAll(body.names);
    return { count: await this.em.count(City) };
  }

  @Get(':name')
  async read(
    @Param('name') name: string,
  ): Promise<{ known: number; name: string | undefined; same: boolean }> {
    managers.push(RequestContext.getEntityManager());
    const known = this.em.getUnitOfWork().getIdentityMap().keys().length;
    const city = await this.service.cities.byName(name);
    return { known, name: city?.name, same: (await this.em.findOne(City, { name })) === city };
  }
}

const config = () => defineConfig({ entities: [City, River], dbName: ':memory:' });

@Module({
  imports: [MikroOrmModule.forFeature([City, River])],
  providers: [CityService],
  controllers: [CityController],
})
class CityModule {}

@Module({ imports: [MikroOrmModule.forRoot(config()), CityModule] })
class AppModule {}

@Module({ imports: [MikroOrmModule.forRootAsync({ useFactory: config }), CityModule] })
class AsyncModule {}

@Module({
  imports: [
    MikroOrmModule.forRoot({ driver: CollectionStoreDriver, autoLoadEntities: true, dbName: ':memory:' }),
    CityModule,
  ],
})
class AutoLoadModule {}

const quiet = { logger: false, abortOnError: false } as const;

describe('an application of NestJS', () => {
  let app: INestApplicationContext | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  async function start(module: unknown): Promise<CityService> {
    app = await NestFactory.createApplicationContext(module as never, quiet);
    const service = app.get(CityService);
    await (service.orm as unknown as CollectionStoreMikroORM).schema.createSchema();
    return service;
  }

  for (const [way, module] of [
    ['forRoot', AppModule],
    ['forRootAsync', AsyncModule],
    ['forRoot with autoLoadEntities', AutoLoadModule],
  ] as const) {
    test(`${way}: everything injected belongs to one ORM with our classes`, async () => {
      const service = await start(module);
      assert.ok(service.orm.em.getDriver() instanceof CollectionStoreDriver);
      assert.ok(service.em instanceof CollectionStoreEntityManager);
      assert.equal(service.em, service.orm.em);
      assert.equal(service.storeEm, service.orm.em);
      assert.ok(service.cities instanceof CityRepository);
      assert.ok(service.rivers instanceof CollectionStoreEntityRepository);
      assert.equal(app?.get(getRepositoryToken(River)), service.rivers);
    });
  }

  test('our MikroORM is injected, where @mikro-orm/nestjs asks drivers for theirs', {
    skip: coreMajor === 6,
  }, async () => {
    const service = await start(AppModule);
    assert.equal(app?.get(CollectionStoreMikroORM as never), service.orm);
  });

  test('jobs have a context of their own, steps of a job share it', async () => {
    const service = await start(AppModule);
    const contexts = [await service.job('Wien'), await service.job('Graz'), await service.step()];
    assert.equal(new Set(contexts).size, 3);
    assert.equal(await service.jobOfSteps(), true);
    assert.equal(RequestContext.getEntityManager(), undefined);
    assert.equal(await service.orm.em.fork().count(City), 2);
    assert.equal(service.orm.em.getUnitOfWork(false).getIdentityMap().keys().length, 0);
  });

  test('a transactional method succeeds as a whole or not at all', async () => {
    const service = await start(AppModule);
    await service.addAll(['Wien', 'Graz']);
    await assert.rejects(service.addAll(['Linz', 'Wien']), { name: 'UniqueConstraintViolationException' });
    const names = (await service.orm.em.fork().findAll(City, { orderBy: { id: 'asc' } })).map(
      ({ name }) => name,
    );
    assert.deepEqual(names, ['Wien', 'Graz']);
  });

  test('closing the application closes the store', async () => {
    const service = await start(AppModule);
    assert.equal(await service.orm.isConnected(), true);
    app?.enableShutdownHooks();
    await app?.close();
    app = undefined;
    assert.equal(await service.orm.isConnected(), false);
  });

  test('each request has an identity map of its own', async () => {
    const server = await NestFactory.create(AppModule, quiet);
    app = server;
    await server.listen(0, '127.0.0.1');
    await (server.get(CoreMikroORM) as unknown as CollectionStoreMikroORM).schema.createSchema();
    const { port } = server.getHttpServer().address();
    const cities = `http://127.0.0.1:${port}/cities`;
    const create = (...names: string[]) =>
      fetch(cities, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ names }),
      });

    const created = await create('Wien', 'Graz');
    assert.equal(created.status, 201);
    assert.deepEqual(await created.json(), { count: 2 });
    assert.equal((await create('Linz', 'Graz')).status, 500);

    managers.length = 0;
    const read = async (name: string) => (await fetch(`${cities}/${name}`)).json();
    const answers = await Promise.all(['Wien', 'Graz', 'Wien'].map(read));
    assert.deepEqual(
      answers,
      ['Wien', 'Graz', 'Wien'].map((name) => ({ known: 0, name, same: true })),
    );
    assert.deepEqual(await read('Linz'), { known: 0, same: true });
    assert.equal(new Set(managers).size, 4);
  });
});
