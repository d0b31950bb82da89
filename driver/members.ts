// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type what they hand to a driver differently.
/** Loads the members of M:N collections through their pivots, each collection's in its order. */
import { type Configuration, type EntityMetadata, type EntityProperty, Utils } from '@mikro-orm/core';
import type { CollectionStorePlatform } from './CollectionStorePlatform.js';
import type { Clause } from './call-text.js';
import type { Calls } from './calls.js';
import { databaseKeyOf, MEMBERS_ARE_FILTERED } from './compat.js';
import { type FindDefaults, findRequest } from './find-options.js';
import { allOf, conditionWithout } from './join-conditions.js';
import { keysHere } from './joins.js';
import { type Key, primaryKeyOf } from './keys.js';
import { pivotCondition } from './pivot-condition.js';
import type { Spaces } from './spaces.js';

/** What loading needs of its driver. */
export interface MemberContext {
  readonly config: Configuration;
  readonly platform: CollectionStorePlatform;
  readonly spaces: Spaces;
  readonly calls: Calls;
  readonly defaults: FindDefaults;
}

/** The collections to load, and what is asked of their members. */
export interface MemberRequest {
  readonly prop: EntityProperty;
  /** The keys of the owners, as entities have them. */
  readonly owners: readonly any[];
  readonly where: any;
  readonly orderBy: any;
  readonly options: any;
  /** Loads only the keys of the members. */
  readonly keysOnly: boolean;
}

/** The members by the hash of their owner's key: their rows, or only their keys. */
export function loadMembers(
  context: MemberContext,
  pivot: EntityMetadata,
  request: MemberRequest,
): Record<string, unknown[]> {
  const { prop, owners } = request;
  const ownerMeta = pivot.relations[prop.owner ? 0 : 1]?.targetMeta as EntityMetadata;
  const collections: Record<string, unknown[]> = {};
  const byKey = new Map<string, unknown[]>();
  const keys = owners.map((owner) => {
    const key = databaseKeyOf(ownerMeta, owner, context.platform);
    const members: unknown[] = [];
    collections[Utils.getPrimaryKeyHash(owner)] = members;
    byKey.set(Utils.getPrimaryKeyHash(key as string[]), members);
    return key;
  });
  for (const [owner, member] of membersOf(context, pivot, keys, request)) {
    byKey.get(Utils.getPrimaryKeyHash(owner as string[]))?.push(member);
  }
  return collections;
}

/** The members, each with the key of its owner. */
function membersOf(
  { config, spaces, calls, defaults }: MemberContext,
  pivot: EntityMetadata,
  owners: readonly Key[],
  { prop, where, orderBy, options, keysOnly }: MemberRequest,
): [owner: Key, member: unknown][] {
  const [ownerSide, targetSide] = prop.owner
    ? [pivot.relations[0], pivot.relations[1]]
    : [pivot.relations[1], pivot.relations[0]];
  const target = prop.targetMeta as EntityMetadata;
  const { models, planner } = spaces.get(options.schema);
  const model = models.model(pivot);
  const [ownerProp, targetProp] = [ownerSide as EntityProperty, targetSide as EntityProperty];
  const alias = config.getNamingStrategy().aliasName(pivot.className, 0);
  const ofPivot = pivotCondition(where, {
    key: `${alias}.${Utils.getPrimaryKeyHash(prop.joinColumns)}`,
    owner: ownerProp.name,
    member: targetProp.name,
  });
  const filter = MEMBERS_ARE_FILTERED ? options.populateFilter : undefined;
  const memberOptions = {
    ...options,
    populateWhere: undefined,
    populateFilter: filter,
    orderBy: undefined,
    offset: undefined,
  };
  const memberRequest = findRequest(
    target,
    models.model(target),
    undefined,
    memberOptions,
    undefined,
    defaults,
  );
  const joined = keysHere(models.model(target), memberRequest.nested ?? []);
  const memberWhere = allOf([ofPivot ? undefined : where, conditionWithout(filter, joined)]);
  const request = {
    where: {
      [ownerProp.name]: { $in: owners.map((owner) => (owner.length > 1 ? owner : owner[0])) },
      ...ofPivot,
    },
    orderBy: pivotOrder(prop, targetProp, orderBy, options.orderBy),
    limit: options.limit ?? undefined,
    offset: options.offset ?? undefined,
    fields: keysOnly ? [ownerProp.name, targetProp.name] : [ownerProp.name],
    nested:
      keysOnly && isEmpty(memberWhere)
        ? undefined
        : [{ ...memberRequest, where: memberWhere, prop: targetProp.name, required: 'always' }],
  };
  const clauses = (): Clause[] => [
    ['where', request.where],
    ['members where', where],
    ['order by', request.orderBy],
  ];
  const rows = calls.find(model, planner.find(model, request as any), clauses, options);
  return rows.map((row) => {
    const member = row[targetProp.name];
    return [[row[ownerProp.name]].flat(), keysOnly ? keyOfMember(member, target) : member];
  });
}

/** The order of the members of M:N collections: the one asked for, else that of the property, else the one they are kept in. */
function pivotOrder(
  prop: EntityProperty,
  targetProp: EntityProperty,
  orderBy: any,
  parentOrderBy: any,
): unknown {
  const orders = [orderBy].flat().filter((order) => !isEmpty(order));
  const parentOrders = [parentOrderBy].flat().filter((order) => order?.[prop.name]);
  const own = [(prop as any).orderBy].flat().filter((order) => !isEmpty(order));
  const chosen =
    orders.length > 0
      ? orders
      : parentOrders.length > 0
        ? parentOrders.map((order) => order[prop.name])
        : own;
  if (chosen.length > 0) {
    return chosen.map((order) => ({ [targetProp.name]: order }));
  }
  return prop.fixedOrder ? { [prop.fixedOrderColumn as string]: 'asc' } : undefined;
}

function keyOfMember(member: unknown, target: EntityMetadata): unknown {
  if (!Utils.isPlainObject(member)) {
    return member;
  }
  const key = primaryKeyOf(target, member);
  return key.length > 1 ? key : key[0];
}
function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    (typeof value === 'object' && Reflect.ownKeys(value).length === 0)
  );
}
