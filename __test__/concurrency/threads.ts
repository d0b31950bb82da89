/** Worker threads that do what they are asked, one task after the other. */
import { type MessagePort, Worker, parentPort } from 'node:worker_threads';

type Answer<R> = { readonly result: R } | { readonly error: unknown };

/** Who waits for an answer. */
interface Asked<R> {
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

class Thread<T, R> {
  readonly #worker: Worker;
  #asked: Asked<R> | undefined;

  constructor(program: URL) {
    this.#worker = new Worker(program);
    this.#worker.on('message', (answer: Answer<R>) =>
      'error' in answer ? this.#asked?.reject(answer.error) : this.#asked?.resolve(answer.result),
    );
    this.#worker.on('error', (error) => this.#asked?.reject(error));
    this.#worker.on('exit', () => this.#asked?.reject(new Error('The thread has ended.')));
  }

  ask(task: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      this.#worker.postMessage(task);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Some threads of the same program, which answers with `serve`. */
export class Threads<T, R> {
  readonly #threads: readonly Thread<T, R>[];

  constructor(program: URL, count: number) {
    this.#threads = Array.from({ length: count }, () => new Thread(program));
  }

  /** Gives each thread a task of its own, and waits for all; the first that fails, fails. */
  run(task: (thread: number) => T): Promise<R[]> {
    return Promise.all(this.#threads.map((thread, number) => thread.ask(task(number))));
  }

  /** Ends the threads, wherever they are. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

/** Does in a thread what it is asked. */
export function serve<T, R>(work: (task: T) => Promise<R>): void {
  const port = parentPort as MessagePort;
  port.on('message', async (task: T) => {
    port.postMessage(
      await work(task).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      ),
    );
  });
}
