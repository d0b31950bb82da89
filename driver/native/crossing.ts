/**
 * Running plans: parameters packed in, one native call, rows cut out, chunk by chunk.
 */
import { binding, type Channel, type Handle } from './binding.js';
import { type EngineError, isEngineError } from './errors.js';
import type { Row, RowFactory } from './factory.js';
import type { PlanIr } from './ir.js';
import { allocate, Packer } from './pack.js';
import { nameParameter } from './parameter.js';

/** What the crossing needs to know of a plan. */
export interface RunnablePlan {
  readonly ir: PlanIr;
  readonly handle: Handle;
  readonly factory: RowFactory;
}

/** Places in the output buffer, before the rows. */
const Header = { Affected: 0, Rows: 1, Cursor: 2, Needed: 3 } as const;

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

/** The two buffers that this thread shares with the native side, and the calls that use them. */
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

  private constructor(private readonly channel: Channel) {
    this.#input = this.#packer.numbers;
    channel.attach(this.#input, this.#output);
  }

  /** Runs a plan in a session and reads all of its rows. */
  run(session: Handle, plan: RunnablePlan, params: readonly unknown[]): Result {
    return this.#exec(session, plan, params, true);
  }

  /** Runs a plan in a session and reads the first chunk of its rows. */
  open(session: Handle, plan: RunnablePlan, params: readonly unknown[]): Chunk {
    return this.#exec(session, plan, params, false);
  }

  /** Reads the next chunk of a cursor. One that fails is closed. */
  next(cursor: Handle, factory: RowFactory): Chunk {
    const rows: Row[] = [];
    try {
      return { rows, cursor: this.#read(this.channel.next(cursor), factory, rows) };
    } finally {
      if (this.#output.length > LARGEST_KEPT) {
        this.#attach(allocate(SMALLEST));
      }
    }
  }

  /** Lets go of the rows of a cursor that were not read. */
  close(cursor: Handle): void {
    this.channel.closeCursor(cursor);
  }

  #exec(session: Handle, plan: RunnablePlan, params: readonly unknown[], toTheEnd: boolean): Result {
    const packer = this.#packer;
    const suspended = packer.suspend();
    try {
      const text = packer.pack(params, (parameter) => nameParameter(plan.ir, parameter));
      if (packer.numbers !== this.#input) {
        this.#attach(this.#output);
      }
      const first = this.channel.exec(session, plan.handle, text);
      const affected = this.#output[Header.Affected] as number;
      const rows: Row[] = [];
      let cursor = this.#read(first, plan.factory, rows);
      while (toTheEnd && cursor !== NO_CURSOR) {
        cursor = this.#read(this.channel.next(cursor), plan.factory, rows);
      }
      return { affected, rows, cursor };
    } catch (error) {
      throw explained(error, plan.ir);
    } finally {
      if (packer.numbers.length > LARGEST_KEPT || this.#output.length > LARGEST_KEPT) {
        this.#shrink();
      }
      if (suspended !== undefined) {
        packer.resume(suspended);
      }
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

  #shrink(): void {
    this.#packer.shrink();
    this.#attach(this.#output.length > LARGEST_KEPT ? allocate(SMALLEST) : this.#output);
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
