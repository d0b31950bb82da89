import { ServerException } from '@mikro-orm/core';
import { engineError } from './native/errors.js';

/** The refusal of something the store does not do, or not yet: says what, and what to do instead. Its `code` is `UNSUPPORTED`. */
export function unsupported(message: string): ServerException {
  return new ServerException(engineError('UNSUPPORTED', message));
}
