// biome-ignore-all lint/suspicious/noExplicitAny: the provider is another package's class, seen without its types.
import { coreExport } from './compat.js';
import { decoratorsExport } from './decorators.js';

/**
 * The provider of property types where a configuration names none: core's own
 * in major 6. In 7 that of the decorators, which reads what TypeScript emits as
 * 6 does, if the package is there; relations may name the other entity by a text.
 */
export function defaultMetadataProvider(): any {
  const provider = coreExport('ReflectMetadataProvider') === undefined ? decoratorsExport('ReflectMetadataProvider') : undefined;
  return provider === undefined ? undefined : namingTargets(provider);
}

let made: { readonly from: unknown; readonly provider: any } | undefined;

function namingTargets(ReflectMetadataProvider: any): any {
  if (made?.from !== ReflectMetadataProvider) {
    made = {
      from: ReflectMetadataProvider,
      provider: class CollectionStoreMetadataProvider extends ReflectMetadataProvider {
        loadEntityMetadata(meta: any): void {
          const named = meta.props.filter((prop: any) => typeof prop.entity === 'string');
          for (const prop of named) {
            prop.type ??= prop.entity;
            delete prop.entity;
          }
          super['loadEntityMetadata'](meta);
          for (const prop of named) {
            // Else the emitted type stands for the target, `Collection` among them.
            delete prop.target;
          }
        }
      },
    };
  }
  return made?.provider;
}
