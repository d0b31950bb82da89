/** What lives on the native side for as long as its object is reachable here. */
import { binding, type Handle } from './binding.js';
import { type Chunk, Crossing, NO_CURSOR } from './crossing.js';
import { type Row, RowFactory } from './factory.js';
import type { PlanIr, Select } from './ir.js';
import { lateness, pause } from './pauses.js';

/** A plan that the engine has read, with the factory of its rows. Belongs to no store in particular. */
export class CompiledPlan {
  /** What was compiled. */
  readonly ir: PlanIr;
  /** @internal */
  readonly handle: Handle;
  /** @internal */
  readonly factory: RowFactory;

  /** Compiles a plan; the native side of it is let go when the plan is no longer reachable. */
  constructor(ir: PlanIr) {
    this.ir = ir;
    this.factory = new RowFactory(selectOf(ir));
    this.handle = binding().compile(JSON.stringify(ir));
    unreachablePlans.register(this, this.handle);
  }
}

/** A whole store as it was at one moment, kept alive until let go. */
export class Snapshot {
  /** @internal */
  readonly handle: Handle;

  /** @internal */
  constructor(handle: Handle) {
    this.handle = handle;
    unreachableSnapshots.register(this, handle, this);
  }

  /** Lets the version go at once rather than when the object is no longer reachable. */
  dispose(): void {
    // Registered means not let go yet: doing so twice does nothing.
    if (unreachableSnapshots.unregister(this)) {
      binding().dropSnapshot(this.handle);
    }
  }

  /** The same as `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Work that is attempted until it is in no conflict. Each attempt is as old as the first, and holds from its beginning
 * the rows over which those before it failed, so that it gets through in the end.
 */
export class Attempts {
  /** @internal */
  readonly handle: Handle = binding().newAttempts();

  /** To be let go when it is no longer reachable, at the latest. */
  constructor() {
    unreachableAttempts.register(this, this.handle, this);
  }

  /** Ends the work: there will be no other attempt. */
  dispose(): void {
    if (unreachableAttempts.unregister(this)) {
      binding().dropAttempts(this.handle);
    }
  }
}

/** Rows of a find, fetched as they are needed. They are of the version that there was when the cursor was opened, which lives as long as the cursor. */
export class RowCursor implements AsyncIterable<readonly Row[]> {
  #handle: Handle;
  /** The chunk fetched last, until it is handed out. */
  #rows: Row[] | undefined;

  /** @internal */
  constructor(
    private readonly crossing: Crossing,
    private readonly plan: CompiledPlan,
    private readonly session: { assertOpen(): void },
    first: Chunk,
  ) {
    this.#rows = first.rows;
    this.#handle = first.cursor;
    if (this.#handle !== NO_CURSOR) {
      unreachableCursors.register(this, this.#handle, this);
    }
  }

  /** The rows chunk by chunk, once, with pauses for others. Breaking off closes the cursor. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Row[], void> {
    try {
      let late = lateness();
      for (let rows = this.#next(); rows !== undefined; rows = this.#next()) {
        yield rows;
        if (late()) {
          await pause();
          late = lateness();
        }
      }
    } finally {
      this.close();
    }
  }

  /** Throws once the session has ended: so do rows fetched already, as nobody can know where chunks begin. */
  assertOpen(): void {
    this.session.assertOpen();
  }

  /** Lets the rest of the rows go. Doing so twice does nothing. */
  close(): void {
    this.#rows = undefined;
    if (this.#handle !== NO_CURSOR) {
      unreachableCursors.unregister(this);
      this.crossing.close(this.#handle);
      this.#handle = NO_CURSOR;
    }
  }

  #next(): Row[] | undefined {
    const rows = this.#rows;
    if (rows !== undefined) {
      this.#rows = undefined;
      return rows;
    }
    if (this.#handle === NO_CURSOR) {
      return undefined;
    }
    const chunk = this.crossing.next(this.#handle, this.plan.factory);
    if (chunk.cursor === NO_CURSOR) {
      this.close();
    }
    return chunk.rows;
  }
}

const unreachableCursors = new FinalizationRegistry<Handle>((handle) => Crossing.shared().close(handle));
const unreachableAttempts = new FinalizationRegistry<Handle>((handle) => binding().dropAttempts(handle));
const unreachablePlans = new FinalizationRegistry<Handle>((handle) => binding().dropPlan(handle));
const unreachableSnapshots = new FinalizationRegistry<Handle>((handle) => binding().dropSnapshot(handle));

function selectOf(ir: PlanIr): Select | undefined {
  if ('find' in ir) {
    return ir.find.select;
  }
  if ('count' in ir) {
    return ir.count.by && { fields: ir.count.by };
  }
  const write =
    'insert' in ir ? ir.insert : 'update' in ir ? ir.update : 'updateMany' in ir ? ir.updateMany : undefined;
  return write?.returning && { fields: write.returning };
}
