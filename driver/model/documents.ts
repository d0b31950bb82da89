/** A deep copy of a document: plain objects and arrays, dates and bytes; what JSON leaves out is left out. */
export function copyDocument<T>(value: T): T {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return copyObject(value) as T;
}

function copyObject(value: object): unknown {
  if (Array.isArray(value)) {
    return value.map((member) => (member === undefined ? null : copyDocument(member)));
  }
  if (value instanceof Date) {
    return new Date(value.getTime());
  }
  if (value instanceof Uint8Array) {
    // Not `value.slice()`: that of a Buffer shares its memory.
    return Uint8Array.prototype.slice.call(value);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') {
    return copyDocument(toJSON.call(value));
  }
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || typeof member === 'function') {
      continue;
    }
    if (key === '__proto__') {
      Object.defineProperty(copy, key, {
        value: copyDocument(member),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      copySelf(copy);
    } else {
      copy[key] = copyDocument(member);
    }
  }
  return copy;
}

/** Core copies what it keeps for dirty checking by assignment, which would lose this key: an object with a method `clone` copies itself. */
function copySelf(document: Record<string, unknown>): void {
  if (!Object.hasOwn(document, 'clone')) {
    const value = (): unknown => copyDocument(document);
    Object.defineProperty(document, 'clone', {
      value,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }
}
