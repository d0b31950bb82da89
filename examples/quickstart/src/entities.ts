import {
  Collection,
  Embeddable,
  Embedded,
  Entity,
  Index,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  PrimaryKeyProp,
  Property,
} from 'collection-store-mikro-orm';

@Embeddable()
export class Location {
  @Property({ type: 'double' })
  lat!: number;

  @Property({ type: 'double' })
  lon!: number;
}

@Entity()
export class Language {
  [PrimaryKeyProp]?: 'code';

  /** ISO 639-3, as in `fra`. */
  @PrimaryKey({ type: 'string' })
  code!: string;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany({ entity: () => Country, mappedBy: 'languages' })
  countries = new Collection<Country>(this);
}

@Entity()
export class Country {
  [PrimaryKeyProp]?: 'code';

  /** ISO 3166-1 alpha-2, as in `CH`. */
  @PrimaryKey({ type: 'string' })
  code!: string;

  @Property({ type: 'string', unique: true })
  name!: string;

  @Property({ type: 'string' })
  @Index()
  region!: string;

  /** Square kilometres. */
  @Property({ type: 'double' })
  area!: number;

  @Embedded({ entity: () => Location, object: true })
  location!: Location;

  /** A document: the country's name in two dozen languages. */
  @Property({ type: 'json' })
  translations!: Record<string, { common: string; official: string }>;

  @ManyToMany({ entity: () => Language, inversedBy: 'countries' })
  languages = new Collection<Language>(this);

  @ManyToMany({ entity: () => Country })
  borders = new Collection<Country>(this);

  @OneToMany({ entity: () => City, mappedBy: 'country' })
  cities = new Collection<City>(this);
}

@Entity()
@Index({ properties: ['country', 'population'] })
export class City {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  @Index()
  name!: string;

  @ManyToOne({ entity: () => Country })
  country!: Country;

  @Property({ type: 'number' })
  @Index()
  population!: number;

  @Embedded({ entity: () => Location })
  location!: Location;
}
