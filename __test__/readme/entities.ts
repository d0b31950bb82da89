import { Collection, Entity, ManyToOne, OneToMany, PrimaryKey, Property } from 'collection-store-mikro-orm';

@Entity()
export class User {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'number', nullable: true })
  age?: number;

  @Property({ type: 'boolean', default: true })
  isActive: boolean = true;

  @OneToMany('Post', 'author')
  posts = new Collection<Post>(this);

  @Property({ type: 'date', onCreate: () => new Date() })
  createdAt: Date = new Date();
}

@Entity()
export class Post {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'string' })
  content!: string;

  @ManyToOne('User')
  author!: User;

  @Property({ type: 'boolean', default: false })
  published: boolean = false;
}
