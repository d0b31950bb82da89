/**
 * Embedded objects kept as documents: between the names of their properties
 * and the names they are stored under.
 */
import { columnsOf, type EmbeddedProp, isRelation, type Prop } from './model.js';

/** Makes one document of another. */
export type Convert = (document: unknown) => unknown;

/** Makes an embedded object, keyed by properties, of its document; nothing where both are the same. */
export function readerOf(prop: EmbeddedProp): Convert | undefined {
  return converterOf(prop, (name, stored) => [stored, name], readerOf);
}

/** Makes the document of an embedded object; nothing where both are the same. */
export function writerOf(prop: EmbeddedProp): Convert | undefined {
  return converterOf(prop, (name, stored) => [name, stored], writerOf);
}

interface Member {
  readonly to: string;
  readonly convert: Convert | undefined;
}

function converterOf(
  prop: EmbeddedProp,
  direction: (name: string, stored: string) => [from: string, to: string],
  nested: (prop: EmbeddedProp) => Convert | undefined,
): Convert | undefined {
  const members = new Map<string, Member>();
  for (const [name, child] of prop.props) {
    const [from, to] = direction(name, storedName(name, child));
    const convert = child.kind === 'embedded' ? nested(child) : undefined;
    if (from !== to || convert !== undefined) {
      members.set(from, { to, convert });
    }
  }
  if (members.size === 0) {
    return undefined;
  }
  const convertOne = (document: unknown) => convertMembers(document, members);
  return prop.array ? (list) => (Array.isArray(list) ? list.map(convertOne) : convertOne(list)) : convertOne;
}

function storedName(name: string, prop: Prop): string {
  const stored = prop.json.at(-1);
  // A relation whose key is not kept here has no name in the document.
  return stored === undefined || (isRelation(prop) && columnsOf(prop).length === 0) ? name : stored;
}

function convertMembers(document: unknown, members: ReadonlyMap<string, Member>): unknown {
  if (typeof document !== 'object' || document === null) {
    return document;
  }
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(document)) {
    const member = members.get(key);
    const name = member?.to ?? key;
    const converted = member?.convert === undefined ? value : member.convert(value);
    if (name === '__proto__') {
      Object.defineProperty(result, name, {
        value: converted,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else {
      result[name] = converted;
    }
  }
  return result;
}
