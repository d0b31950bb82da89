/** The engine's type for each of core's types, and the way its values cross. */
import {
  ArrayType,
  BigIntType,
  BlobType,
  BooleanType,
  DateTimeType,
  DecimalType,
  DoubleType,
  FloatType,
  IntegerType,
  JsonType,
  MediumIntType,
  SmallIntType,
  TinyIntType,
  Uint8ArrayType,
  UnknownType,
  type Type,
} from '@mikro-orm/core';
import type { FieldType, Wire } from '../native/ir.js';

export const WIRES: Readonly<Record<FieldType, Wire>> = {
  int: 'number',
  // As text: core's own type makes of it what the property is to hold.
  bigint: 'decimal',
  float: 'number',
  decimal: 'decimal',
  bool: 'bool',
  text: 'text',
  date: 'date',
  bytes: 'bytes',
  json: 'json',
};

type TypeClass = abstract new (...args: never[]) => Type<unknown>;

const FIELD_TYPES: readonly (readonly [TypeClass, FieldType])[] = [
  [IntegerType, 'int'],
  [SmallIntType, 'int'],
  [TinyIntType, 'int'],
  [MediumIntType, 'int'],
  [BigIntType, 'bigint'],
  [DecimalType, 'decimal'],
  [FloatType, 'float'],
  [DoubleType, 'float'],
  [BooleanType, 'bool'],
  [DateTimeType, 'date'],
  [BlobType, 'bytes'],
  [Uint8ArrayType, 'bytes'],
  [JsonType, 'json'],
  [ArrayType, 'json'],
  // A type that core has no name for may hold anything.
  [UnknownType, 'json'],
];

const SINGLE = new Set([
  'string',
  'text',
  'number',
  'integer',
  'float',
  'double',
  'boolean',
  'bigint',
  'Date',
]);

/** Whether a property that is kept in a document has, by the name of its type, nothing in it. */
export function isSingle({ type, array }: { readonly type: unknown; readonly array?: boolean }): boolean {
  return array !== true && typeof type === 'string' && SINGLE.has(type);
}

/** Everything that is not one of these is text: texts, enums, keys, and dates and times without the other. */
export function fieldTypeOf(type: Type<unknown>): FieldType {
  return FIELD_TYPES.find(([typeClass]) => type instanceof typeClass)?.[1] ?? 'text';
}
