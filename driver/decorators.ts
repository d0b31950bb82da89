/**
 * The decorators: core's own in major 6, those of `@mikro-orm/decorators/legacy`
 * in 7, under the same names.
 */
import type * as core from '@mikro-orm/core';
import { coreExport, DECORATORS_APART, decoratedClass } from './compat.js';
import { decoratorsPackage } from './decorators-package.js';
import { unsupported } from './errors.js';

type Core = typeof core;
/** @ts-ignore: the package is there with major 7 only. */
type Package = typeof import('@mikro-orm/decorators/legacy', { with: { 'resolution-mode': 'import' }});

/** A decorator, as whichever package has it declares it. */
export type Decorator<Name extends string> = Name extends keyof Core
  ? Core[Name]
  : Name extends keyof Package
    ? Package[Name]
    : never;

/** Relations may name the other entity by a text: in 7, that package declares such a call as an error. */
export type RelationDecorator<Name extends string> = Name extends keyof Core
  ? Core[Name]
  : ((entity: string, ...options: unknown[]) => (target: object, propertyName: string) => void) &
      Decorator<Name>;

/** What the package exports under a name; nothing where it is not there, or not needed. */
function decoratorsExport(name: string): unknown {
  return decoratorsPackage === undefined || decoratorsPackage instanceof Error
    ? undefined
    : decoratorsPackage[name];
}

function decorator<Exported>(name: string): Exported {
  return (coreExport(name) ?? decoratorsExport(name) ?? refusal(name)) as Exported;
}

/**
 * A decorator of a relation whose target may be named by a text, as in major 6.
 * The class of that name is looked for when the entities are discovered.
 */
function relation<Exported>(name: string): Exported {
  const decorate = decorator<(...args: unknown[]) => unknown>(name);
  if (!DECORATORS_APART) {
    return decorate as Exported;
  }
  return ((first: unknown, ...rest: unknown[]) => decorate(withTarget(first), ...rest)) as Exported;
}

function withTarget(first: unknown): unknown {
  if (typeof first === 'string') {
    return () => decoratedClass(first);
  }
  const { entity } = (first ?? {}) as { entity?: unknown };
  return typeof entity === 'string' ? { ...(first as object), entity: () => decoratedClass(entity) } : first;
}

/** Stands for a decorator that could not be loaded, so that only its use is an error. */
function refusal(name: string): () => never {
  return () => {
    const reason = decoratorsPackage instanceof Error ? ` (${decoratorsPackage.message.split('\n')[0]})` : '';
    throw unsupported(
      `@${name}() could not be loaded${reason}. With MikroORM 7 the decorators are a package of their own: install @mikro-orm/decorators and reflect-metadata.`,
    );
  };
}

export const AfterCreate: Decorator<'AfterCreate'> = decorator('AfterCreate');
export const AfterDelete: Decorator<'AfterDelete'> = decorator('AfterDelete');
export const AfterUpdate: Decorator<'AfterUpdate'> = decorator('AfterUpdate');
export const AfterUpsert: Decorator<'AfterUpsert'> = decorator('AfterUpsert');
export const BeforeCreate: Decorator<'BeforeCreate'> = decorator('BeforeCreate');
export const BeforeDelete: Decorator<'BeforeDelete'> = decorator('BeforeDelete');
export const BeforeUpdate: Decorator<'BeforeUpdate'> = decorator('BeforeUpdate');
export const BeforeUpsert: Decorator<'BeforeUpsert'> = decorator('BeforeUpsert');
export const Check: Decorator<'Check'> = decorator('Check');
export const CreateRequestContext: Decorator<'CreateRequestContext'> = decorator('CreateRequestContext');
export const Embeddable: Decorator<'Embeddable'> = decorator('Embeddable');
export const Embedded: Decorator<'Embedded'> = decorator('Embedded');
export const EnsureRequestContext: Decorator<'EnsureRequestContext'> = decorator('EnsureRequestContext');
export const Entity: Decorator<'Entity'> = decorator('Entity');
export const Enum: Decorator<'Enum'> = decorator('Enum');
export const Filter: Decorator<'Filter'> = decorator('Filter');
export const Formula: Decorator<'Formula'> = decorator('Formula');
export const Index: Decorator<'Index'> = decorator('Index');
export const ManyToMany: RelationDecorator<'ManyToMany'> = relation('ManyToMany');
export const ManyToOne: RelationDecorator<'ManyToOne'> = relation('ManyToOne');
export const OnInit: Decorator<'OnInit'> = decorator('OnInit');
export const OnLoad: Decorator<'OnLoad'> = decorator('OnLoad');
export const OneToMany: RelationDecorator<'OneToMany'> = relation('OneToMany');
export const OneToOne: RelationDecorator<'OneToOne'> = relation('OneToOne');
export const PrimaryKey: Decorator<'PrimaryKey'> = decorator('PrimaryKey');
export const Property: Decorator<'Property'> = decorator('Property');
export const ReflectMetadataProvider: Decorator<'ReflectMetadataProvider'> =
  decorator('ReflectMetadataProvider');
export const SerializedPrimaryKey: Decorator<'SerializedPrimaryKey'> = decorator('SerializedPrimaryKey');
export const Transactional: Decorator<'Transactional'> = decorator('Transactional');
export const Trigger: Decorator<'Trigger'> = decorator('Trigger');
export const Unique: Decorator<'Unique'> = decorator('Unique');

/** The provider of property types where a configuration names none: core's own in 6; in 7 that of the decorators, which reads what TypeScript emits as 6 does. */
export function defaultMetadataProvider(): unknown {
  const provider = decoratorsExport('ReflectMetadataProvider');
  return provider && withSchemaNames(provider);
}

/** Names the targets of relations as core's own provider does: a schema may go by another name than its class. */
function withSchemaNames(provider: any): unknown {
  return class extends provider {
    loadEntityMetadata(meta: core.EntityMetadata): void {
      if (isDefined(meta)) {
        coreExport<any>('MetadataProvider').prototype.loadEntityMetadata.call(this, meta);
        return;
      }
      super['loadEntityMetadata'](meta);
      for (const prop of meta.props as core.EntityProperty<any>[]) {
        if (typeof prop.entity === 'function' && typeof this['resolveEntityName'] === 'function') {
          const targets: unknown[] = [prop.entity()].flat();
          prop.type = targets
            .map((target) => this['resolveEntityName'](target))
            .sort()
            .join(' | ');
        }
      }
    }
  };
}

/** Whether an entity comes from `defineEntity` or a schema, which say all types themselves, and not from decorators. */
function isDefined(meta: core.EntityMetadata): boolean {
  const { PATH_SYMBOL } = coreExport<{ PATH_SYMBOL: symbol }>('MetadataStorage');
  return !(PATH_SYMBOL in ((meta as { class?: object }).class ?? {}));
}
