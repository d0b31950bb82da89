/** Worker threads that do what they are asked, one task after the other. */
import { once } from 'node:events';
import { type MessagePort, Worker, parentPort } from 'node:worker_threads';

type Answer<R> = { readonly result: R } | { readonly error: unknown };

/** Some threads of the same program, which answers with `serve`. */
export class Threads<T, R> {
  readonly #workers: readonly Worker[];

  constructor(program: URL, count: number) {
    this.#workers = Array.from({ length: count }, () => new Worker(program));
  }

  /** Gives each thread a task of its own, and waits for all; the first that fails, fails. */
  run(task: (thread: number) => T): Promise<R[]> {
    return Promise.all(
      this.#workers.map(async (worker, thread) => {
        const ended = once(worker, 'exit').then(() => {
          throw new Error('The thread has ended.');
        });
        const answered = once(worker, 'message');
        worker.postMessage(task(thread));
        const [answer] = (await Promise.race([answered, ended])) as [Answer<R>];
        if ('error' in answer) {
          throw answer.error;
        }
        return answer.result;
      }),
    );
  }

  /** Ends the threads, wherever they are. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
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
