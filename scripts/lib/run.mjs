/** Running other programs, and telling what goes on. */

import { spawn } from 'node:child_process';
import { root } from './project.mjs';

/** A failure whose message says it all: it is printed without a stack. */
export class Failure extends Error {}

/** Prints the header of a step. */
export function step(title) {
  console.log(`\n\x1b[1m== ${title}\x1b[0m`);
}

/** Milliseconds as people read them. */
export function seconds(ms) {
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/**
 * Runs a program and gives its exit code and what it printed.
 *
 * Options: `cwd` (the root), `env` (added to this process's), `quiet` (collect the output, do not
 * show it), `timeout` in milliseconds.
 */
export function capture(command, args, { cwd = root, env = {}, quiet = true, timeout } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      // npm is a batch file on Windows, which only a shell can start.
      shell: process.platform === 'win32' && command === 'npm',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        if (!quiet) process.stdout.write(text);
      });
    }
    child.on('error', (error) => fail(new Failure(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (signal)
        output += `\n${command} was ended by ${signal}${timeout ? ` (limit: ${seconds(timeout)})` : ''}\n`;
      done({ code: code ?? 1, output });
    });
  });
}

/** Runs a program that must succeed; what a quiet one printed is shown when it fails. */
export async function run(command, args, options = {}) {
  const { code, output } = await capture(command, args, { quiet: false, ...options });
  if (code !== 0) {
    if (options.quiet) process.stdout.write(output);
    throw new Failure(`${[command, ...args].join(' ')} failed with exit code ${code}`);
  }
  return output;
}

/** Runs a script's main function; a failure ends the process with exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
