// biome-ignore-all lint/suspicious/noExplicitAny: the CLI is an optional package, seen without its types.
import { unsupported } from '../errors.js';

/**
 * The options in the configuration file of the CLI. Major 6 finds them by
 * itself; in 7 only the CLI knows how.
 */
export async function loadCliOptions(): Promise<any> {
  const name = '@mikro-orm/cli';
  let cli: any;
  try {
    cli = await import(name);
  } catch {
    throw unsupported(
      'MikroORM.init() without options reads the configuration file of the CLI, for which @mikro-orm/cli must be installed. Or pass the options.',
    );
  }
  const configuration = await cli.CLIHelper.getConfiguration();
  return configuration.getAll();
}
