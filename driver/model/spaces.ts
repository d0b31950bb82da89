/** The models and plans of each name space (`schema`) that is asked for. */
import type { Configuration, MetadataStorage } from '@mikro-orm/core';
import type { CollectionStorePlatform } from '../CollectionStorePlatform.js';
import { ModelBuilder } from './builder.js';
import { CompiledPlan } from '../native/engine.js';
import { Planner } from '../plan/planner.js';

/** The models and plans of one name space. */
export interface Space {
  readonly models: ModelBuilder;
  readonly planner: Planner<CompiledPlan>;
}

/** The name spaces of one driver, made when they are first asked for. */
export class Spaces {
  readonly #config: Configuration;
  readonly #platform: CollectionStorePlatform;
  readonly #metadata: () => MetadataStorage;
  readonly #spaces = new Map<string | undefined, Space>();

  constructor(config: Configuration, platform: CollectionStorePlatform, metadata: () => MetadataStorage) {
    this.#config = config;
    this.#platform = platform;
    this.#metadata = metadata;
  }

  /** A name space; the configured one where none is named, or any (`*`), and none at all for an empty name. */
  get(named: string | undefined): Space {
    const schema = named === '*' ? undefined : named;
    let space = this.#spaces.get(schema);
    if (space === undefined) {
      const models = new ModelBuilder({
        storage: this.#metadata(),
        platform: this.#platform,
        schema: (schema ?? (this.#config.get('schema') as string | undefined)) || undefined,
        foreignKeys: this.#config.get('schemaGenerator').createForeignKeyConstraints !== false,
      });
      space = { models, planner: new Planner((ir) => new CompiledPlan(ir)) };
      this.#spaces.set(schema, space);
    }
    return space;
  }

  /** Forgets all: entities have been discovered anew. */
  clear(): void {
    this.#spaces.clear();
  }
}
