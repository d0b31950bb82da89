/**
 * Places inside documents as keys of a condition.
 *
 * The ORM flattens a condition on a document into one key for each place and
 * asks its platform how to spell it. The spelling must come back to the same
 * place whatever characters the names hold, so it is JSON.
 */

const PREFIX = 'json:';

/** Spells a place inside the document of a field. */
export function encodeJsonKey(path: readonly string[], field: string): string {
  return PREFIX + JSON.stringify([field, ...path]);
}

/** Reads what `encodeJsonKey` spelled; nothing for any other key. */
export function decodeJsonKey(
  key: string,
): { readonly field: string; readonly path: readonly string[] } | undefined {
  if (!key.startsWith(PREFIX)) {
    return undefined;
  }
  let steps: unknown;
  try {
    steps = JSON.parse(key.slice(PREFIX.length));
  } catch {
    return undefined;
  }
  if (
    !Array.isArray(steps) ||
    steps.length < 2 ||
    !steps.every((step): step is string => typeof step === 'string')
  ) {
    return undefined;
  }
  const [field, ...path] = steps;
  return field === undefined ? undefined : { field, path };
}
