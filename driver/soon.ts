/** A value that may be there at once: not waiting for it saves more than a small call of the engine costs. */
export type Soon<T> = T | Promise<T>;

/** Goes on with an error, as `catch` does. */
export function orElse<T>(attempt: () => Soon<T>, otherwise: (error: unknown) => Soon<T>): Soon<T> {
  try {
    const value = attempt();
    return value instanceof Promise ? value.catch(otherwise) : value;
  } catch (error) {
    return otherwise(error);
  }
}

/** Goes on with a value: at once, where it is there. */
export function andThen<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
