/** Loaded before other tests: every statement is too long for the thread of JavaScript from now on, and runs in another. */
import { binding } from '#driver/native/binding.js';

binding().setMost(0);
process.env['EVERYTHING_ASIDE'] = 'yes';
