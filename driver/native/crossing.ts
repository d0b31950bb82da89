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
  run(session: Handle, plan: RunnablePlan, params: readonly unknown[]): { affected: number; rows: Row[] } {
    const packer = this.#packer;
    const suspended = packer.suspend();
    try {
      const text = packer.pack(params, (parameter) => nameParameter(plan.ir, parameter));
      if (packer.numbers !== this.#input) {
        this.#attach(this.#output);
      }
      return this.#read(this.channel.exec(session, plan.handle, text), plan.factory);
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

  #read(text: string, factory: RowFactory): { affected: number; rows: Row[] } {
    const rows: Row[] = [];
    const affected = this.#output[Header.Affected] as number;
    let cursor = this.#output[Header.Cursor] as Handle;
    try {
      for (;;) {
        const output = this.#output;
        const needed = output[Header.Needed] as number;
        if (needed > 0) {
          this.#attach(allocate(Math.max(needed, output.length * 2)));
        } else {
          factory.read(output, text, output[Header.Rows] as number, rows);
        }
        if (cursor === 0) {
          return { affected, rows };
        }
        text = this.channel.next(cursor);
        cursor = this.#output[Header.Cursor] as Handle;
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
