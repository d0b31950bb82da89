/**
 * Running plans: parameters packed in, one native call, rows cut out, chunk by chunk.
 */
import type { Soon } from '../soon.js';
import { binding, type Channel, type Handle } from './binding.js';
import { type EngineError, isEngineError } from './errors.js';
import type { Row, RowFactory } from './factory.js';
import type { PlanIr } from './ir.js';
import { allocate, Packer } from './pack.js';
import { nameParameter } from './parameter.js';
import { lateness, pause } from './pauses.js';

/** What the crossing needs to know of a plan. */
export interface RunnablePlan {
  readonly ir: PlanIr;
  readonly handle: Handle;
  readonly factory: RowFactory;
}

/** Places in the output buffer, before the rows. */
const Header = { Affected: 0, Rows: 1, Cursor: 2, Needed: 3 } as const;
/** What is needed by a plan that is to be run in a thread. */
const A_THREAD = -1;

/** The cursor where there are no more rows. */
export const NO_CURSOR: Handle = 0;

/** Some of the rows of a plan. */
export interface Chunk {
  readonly rows: Row[];
  /** Goes on with the rest; `NO_CURSOR` where there is none. */
  readonly cursor: Handle;
}

/** What running a plan gives. */
export interface Result extends Chunk {
  /** Rows inserted, changed, removed or counted. */
  readonly affected: number;
}

const SMALLEST = 8192;
/** A buffer larger than this, in slots, is let go after the call that needed it. */
const LARGEST_KEPT = 1 << 17;

/** The channel of this thread, the two buffers that it shares with the native side, and the calls that use them. */
export class Crossing {
  static #shared: Crossing | undefined;

  /** The crossing of this thread. */
  static shared(): Crossing {
    Crossing.#shared ??= new Crossing(binding().connect());
    return Crossing.#shared;
  }

  readonly #packer = new Packer();
  #output = allocate(SMALLEST);
  /** The input buffer that the native side knows. */
  #input: Float64Array;

  private constructor(readonly channel: Channel) {
    this.#input = this.#packer.numbers;
    channel.attach(this.#input, this.#output);
  }

  /** Runs a plan in a session and reads all of its rows. */
  run(session: Handle, plan: RunnablePlan, params: readonly unknown[]): Result {
    const rows: Row[] = [];
    const text = this.#exec(session, plan, params, false);
    try {
      const affected = this.#output[Header.Affected] as number;
      let cursor = this.#read(text, plan.factory, rows);
      while (cursor !== NO_CURSOR) {
        cursor = this.#read(this.channel.next(cursor), plan.factory, rows);
      }
      return { affected, rows, cursor };
    } finally {
      this.#shrink();
    }
  }

  /** As `run`: what takes long is done in a thread, and where there are many rows, others have their turn while they are read. */
  start(session: Handle, plan: RunnablePlan, params: readonly unknown[]): Soon<Result> {
    const text = this.#exec(session, plan, params, true);
    return this.#output[Header.Needed] === A_THREAD
      ? this.#runAside(plan, (first) => this.#readAll(first, plan))
      : this.#readAll(text, plan);
  }

  /** Runs a plan in a session, in a thread if that takes long, and reads the first chunk of its rows. */
  open(session: Handle, plan: RunnablePlan, params: readonly unknown[]): Soon<Chunk> {
    const text = this.#exec(session, plan, params, true);
    return this.#output[Header.Needed] === A_THREAD
      ? this.#runAside(plan, (first) => this.#readFirst(first, plan))
      : this.#readFirst(text, plan);
  }

  /** Reads the next chunk of a cursor. One that fails is closed. */
  next(cursor: Handle, factory: RowFactory): Chunk {
    const rows: Row[] = [];
    try {
      return { rows, cursor: this.#read(this.channel.next(cursor), factory, rows) };
    } finally {
      this.#shrink();
    }
  }

  /** Lets go of the rows of a cursor that were not read. */
  close(cursor: Handle): void {
    this.channel.closeCursor(cursor);
  }

  /** Runs a plan; the first chunk is in the output then. */
  #exec(session: Handle, plan: RunnablePlan, params: readonly unknown[], patient: boolean): string {
    const packer = this.#packer;
    const suspended = packer.suspend();
    try {
      const text = packer.pack(params, (parameter) => nameParameter(plan.ir, parameter));
      if (packer.numbers !== this.#input) {
        this.#attach(this.#output);
      }
      return patient
        ? this.channel.start(session, plan.handle, text)
        : this.channel.exec(session, plan.handle, text);
    } catch (error) {
      throw explained(error, plan.ir);
    } finally {
      if (packer.numbers.length > LARGEST_KEPT) {
        packer.shrink();
        this.#attach(this.#output);
      }
      if (suspended !== undefined) {
        packer.resume(suspended);
      }
    }
  }

  /** Runs a plan, whose cursor is in the output, in a thread, and then reads what is in the output. */
  async #runAside<T>({ ir }: RunnablePlan, read: (first: string) => Soon<T>): Promise<T> {
    const cursor = this.#output[Header.Cursor] as Handle;
    try {
      await binding().runAside(cursor);
    } catch (error) {
      throw explained(error, ir);
    }
    return read(this.channel.next(cursor));
  }

  /** The rows of a plan whose first chunk is in the output: all of them at once, unless they are too many for that. */
  #readAll(text: string, { factory }: RunnablePlan): Soon<Result> {
    const rows: Row[] = [];
    try {
      const affected = this.#output[Header.Affected] as number;
      let cursor = this.#read(text, factory, rows);
      for (const late = cursor !== NO_CURSOR && lateness(); cursor !== NO_CURSOR; ) {
        cursor = this.#read(this.channel.next(cursor), factory, rows);
        if (late && cursor !== NO_CURSOR && late()) {
          return this.#readOn(cursor, factory, rows).then(() => ({ affected, rows, cursor: NO_CURSOR }));
        }
      }
      return { affected, rows, cursor };
    } finally {
      this.#shrink();
    }
  }

  /** Reads the rest of a cursor, with pauses. */
  async #readOn(cursor: Handle, factory: RowFactory, rows: Row[]): Promise<void> {
    let rest = cursor;
    while (rest !== NO_CURSOR) {
      await pause();
      try {
        const late = lateness();
        do {
          rest = this.#read(this.channel.next(rest), factory, rows);
        } while (rest !== NO_CURSOR && !late());
      } finally {
        this.#shrink();
      }
    }
  }

  /** The first chunk, which is in the output. */
  #readFirst(text: string, { factory }: RunnablePlan): Chunk {
    const rows: Row[] = [];
    try {
      return { rows, cursor: this.#read(text, factory, rows) };
    } finally {
      this.#shrink();
    }
  }

  /** Reads the chunk in the output, once there is room for it; returns the cursor that goes on. */
  #read(text: string, factory: RowFactory, rows: Row[]): Handle {
    const cursor = this.#output[Header.Cursor] as Handle;
    try {
      for (let chunk = text; ; chunk = this.channel.next(cursor)) {
        const output = this.#output;
        const needed = output[Header.Needed] as number;
        if (needed === 0) {
          factory.read(output, chunk, output[Header.Rows] as number, rows);
          return output[Header.Cursor] as Handle;
        }
        this.#attach(allocate(Math.max(needed, output.length * 2)));
      }
    } catch (error) {
      this.channel.closeCursor(cursor);
      throw error;
    }
  }

  /** Lets go of an output that was needed once. */
  #shrink(): void {
    if (this.#output.length > LARGEST_KEPT) {
      this.#attach(allocate(SMALLEST));
    }
  }

  #attach(output: Float64Array): void {
    this.channel.attach(this.#packer.numbers, output);
    this.#input = this.#packer.numbers;
    this.#output = output;
  }
}

/** An error about a parameter, with what the parameter is for. */
function explained(error: unknown, ir: PlanIr): unknown {
  if (
    isEngineError(error) &&
    typeof (error as EngineError & { parameter?: unknown }).parameter === 'number'
  ) {
    const { parameter } = error as EngineError & { parameter: number };
    error.message = `${nameParameter(ir, parameter)}${error.message}`;
  }
  return error;
}
