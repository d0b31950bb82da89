// biome-ignore-all lint/suspicious/noExplicitAny: the two majors of core type what they hand to a driver differently.
/** Loads the members of M:N collections through their pivots, each collection's in its order. */
import { type Configuration, type EntityMetadata, type EntityProperty, Utils } from '@mikro-orm/core';
import type { CollectionStorePlatform } from '../CollectionStorePlatform.js';
import type { Clause } from '../calls/call-text.js';
import type { Calls } from '../calls/calls.js';
import { databaseKeyOf, isPolymorphic, MEMBERS_ARE_FILTERED } from '../compat.js';
import { unsupported } from '../errors.js';
import { type FindDefaults, findRequest, groupPage, rowsOf } from './find-options.js';
import { allOf, QUANTIFIERS } from './join-conditions.js';
import { filterOnRows, keysHere } from './joins.js';
import { type Key, primaryKeyOf } from '../model/keys.js';
import { pivotCondition } from './pivot-condition.js';
import type { Model } from '../plan/model.js';
import type { NestedOptions } from '../plan/select.js';
import { entityOf, linkKindOf, polymorphicTargets } from '../model/polymorphic.js';
import type { Spaces } from '../model/spaces.js';
import { andThen, type Soon } from '../soon.js';

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
): Soon<Record<string, unknown[]>> {
  const { owners, prop, options } = request;
  if (options.unionWhere?.length > 0) {
    throw unsupported(
      `unionWhere cannot say which members of an M:N collection there are (at ${prop.targetMeta?.className}): put its branches into \`$or\` of the condition.`,
    );
  }
  const links = linksOf(context, pivot, request);
  const collections: Record<string, unknown[]> = {};
  const byKey = new Map<string, unknown[]>();
  const keys = owners.map((owner) => {
    const key = databaseKeyOf(links.ownerMeta, owner, context.platform);
    const members: unknown[] = [];
    collections[Utils.getPrimaryKeyHash(owner)] = members;
    byKey.set(Utils.getPrimaryKeyHash(key as string[]), members);
    return key;
  });
  return andThen(membersOf(context, pivot, links, keys, request), (members) => {
    for (const [owner, member] of members) {
      byKey.get(Utils.getPrimaryKeyHash(owner as string[]))?.push(member);
    }
    return collections;
  });
}

/** A pivot as seen from the owners of collections. */
interface LinkSides {
  readonly model: Model;
  readonly ownerMeta: EntityMetadata;
  /** The pivot's relations to the owner and to the member. */
  readonly owner: string;
  readonly member: string;
  /** What the rows of one owner have in common. */
  readonly groupedBy: readonly string[];
  /** That a row of the pivot is of one of some owners. */
  ownedBy(keys: readonly Key[]): Record<string, unknown>;
}

function linksOf({ spaces }: MemberContext, pivot: EntityMetadata, request: MemberRequest): LinkSides {
  const { prop, options } = request;
  const { models } = spaces.get(options.schema);
  const oneOf = (keys: readonly Key[]) => ({ $in: keys.map((key) => (key.length > 1 ? key : key[0])) });
  if (!isPolymorphic(prop)) {
    const [owner, member] = (
      prop.owner ? pivot.relations.slice(0, 2) : pivot.relations.slice(0, 2).reverse()
    ) as [EntityProperty, EntityProperty];
    return {
      model: models.model(pivot),
      ownerMeta: owner.targetMeta as EntityMetadata,
      owner: owner.name,
      member: member.name,
      groupedBy: [owner.name],
      ownedBy: (keys) => ({ [owner.name]: oneOf(keys) }),
    };
  }
  const ownerMeta = entityOf(models.storage, prop);
  const kind = linkKindOf(ownerMeta, prop);
  return {
    model: models.links(ownerMeta, prop),
    ownerMeta,
    owner: 'owner',
    member: 'member',
    groupedBy: prop.joinColumns,
    // By columns: the key of an owner is not the only thing that makes a row one of its.
    ownedBy: (keys) => ({
      ...(kind?.value !== undefined && { [kind.column]: kind.value }),
      [Utils.getPrimaryKeyHash(prop.joinColumns)]: oneOf(keys),
    }),
  };
}

/** The members, each with the key of its owner. */
function membersOf(
  context: MemberContext,
  pivot: EntityMetadata,
  links: LinkSides,
  owners: readonly Key[],
  memberRequest: MemberRequest,
): Soon<[owner: Key, member: unknown][]> {
  const { config, spaces, calls } = context;
  const { prop, orderBy, options, keysOnly } = memberRequest;
  const where = withoutQuantifiers(memberRequest.where, prop.targetMeta as EntityMetadata);
  const targets = polymorphicTargets(prop);
  if (targets !== undefined && keysOnly) {
    throw unsupported(
      `The ':ref' populate hint is not supported for union-target polymorphic M:N on ${prop.name}. Use a regular populate hint instead.`,
    );
  }
  const alias = config.getNamingStrategy().aliasName(pivot.className, 0);
  const ofPivot = pivotCondition(where, {
    key: `${alias}.${Utils.getPrimaryKeyHash(prop.joinColumns)}`,
    owner: links.owner,
    member: links.member,
  });
  const ofMember = (target: EntityMetadata) =>
    memberOptions(context, target, ofPivot ? undefined : where, links.member, options);
  const target = prop.targetMeta as EntityMetadata;
  const member: NestedOptions =
    targets === undefined
      ? ofMember(target)
      : {
          prop: links.member,
          targets: new Map([...targets].map(([discriminator, meta]) => [discriminator, ofMember(meta)])),
        };
  const path = `${links.ownerMeta.className}.${prop.name}`;
  const request = {
    where: { ...links.ownedBy(owners), ...ofPivot },
    orderBy: pivotOrder(prop, links.member, orderBy, options.orderBy),
    limit: rowsOf('limit', options.limit, path),
    offset: rowsOf('offset', options.offset, path),
    per: groupPage(options._partitionLimit, links.groupedBy),
    fields: keysOnly ? [links.owner, links.member] : [links.owner],
    nested: keysOnly && isEmpty(member.where) ? undefined : [{ ...member, required: 'always' as const }],
  };
  const clauses = (): Clause[] => [
    ['where', request.where],
    ['members where', where],
    ['order by', request.orderBy],
    ['for each', request.per],
  ];
  const { planner } = spaces.get(options.schema);
  const found = calls.find(links.model, planner.find(links.model, request), clauses, options);
  return andThen(found, (rows) =>
    rows.map((row) => {
      const member = row[links.member];
      return [
        [row[links.owner]].flat(Number.POSITIVE_INFINITY),
        keysOnly ? keyOfMember(member, target) : member,
      ];
    }),
  );
}

/** A condition on members without what it says of their collection as a whole, which core hands along as if it were about their key. */
function withoutQuantifiers(where: any, target: EntityMetadata): any {
  const key = Utils.getPrimaryKeyHash(target.primaryKeys);
  if (!Utils.isPlainObject(where) || !Utils.isPlainObject((where as any)[key])) {
    return where;
  }
  const { [key]: ofKey, ...others } = where as Record<string, any>;
  const kept = Object.entries(ofKey).filter(([name]) => !QUANTIFIERS.has(name));
  return kept.length === 0 ? others : { ...others, [key]: Object.fromEntries(kept) };
}

/** What is asked of the members that are of one entity. */
function memberOptions(
  { spaces, defaults }: MemberContext,
  target: EntityMetadata,
  where: unknown,
  prop: string,
  options: any,
): NestedOptions {
  const filter = MEMBERS_ARE_FILTERED ? options.populateFilter : undefined;
  const model = spaces.get(options.schema).models.model(target);
  const request = findRequest(
    target,
    model,
    undefined,
    {
      ...options,
      // What is joined to members is what the condition on those says of it.
      populateWhere: Utils.isPlainObject(where) ? where : undefined,
      _populateWhere: 'infer',
      ofMembers: true,
      populateFilter: filter,
      // What core hands on of these is about the owners.
      populateOrderBy: undefined,
      orderBy: undefined,
      offset: undefined,
      _partitionLimit: undefined,
    },
    undefined,
    defaults,
  );
  const joined = keysHere(model, request.nested ?? []);
  return { ...request, where: allOf([where, filterOnRows(model, filter, joined)]), prop };
}

/** The order of the members of M:N collections: the one asked for, else that of the property, else the one they are kept in. */
function pivotOrder(prop: EntityProperty, member: string, orderBy: any, parentOrderBy: any): unknown {
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
    return chosen.map((order) => ({ [member]: order }));
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
