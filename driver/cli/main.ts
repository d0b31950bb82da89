#!/usr/bin/env node
/** `npx collection-store`: tools for stores on disk. */
import { parseArgs } from 'node:util';
import { type Command, COMMANDS } from './commands.js';
import { processTerminal, type Terminal } from './terminal.js';

const NAME = 'collection-store';

/** Runs what a command line says and gives the exit code: 1 for a failure, 2 where the command line itself is wrong. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return wrong((error as Error).message, terminal);
  }
  const [name, ...operands] = parsed.positionals;
  const command = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (parsed.values.help || (name === undefined && args.length === 0)) {
    (command ? commandHelp(name as string, command) : help()).forEach(terminal.print);
    return 0;
  }
  if (name === undefined || command === undefined) {
    return wrong(`There is no command ${name}: ${Object.keys(COMMANDS).join(', ')}.`, terminal);
  }
  if (operands.length !== command.operands.length) {
    return wrong(`Expected ${usage(name, command)}`, terminal);
  }
  try {
    return (await command.run(operands, terminal)) === false ? 1 : 0;
  } catch (error) {
    terminal.endProgress();
    terminal.note(`${name} failed: ${(error as Error).message}`);
    return 1;
  } finally {
    terminal.endProgress();
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
}

function wrong(message: string, terminal: Terminal): number {
  terminal.note(message);
  terminal.note(`Try ${NAME} --help.`);
  return 2;
}

function usage(name: string, { operands }: Command): string {
  return [NAME, name, ...operands.map((operand) => `<${operand}>`)].join(' ');
}

function commandHelp(name: string, command: Command): string[] {
  return [usage(name, command), '', command.summary];
}

function help(): string[] {
  const commands = Object.entries(COMMANDS).map(([name, command]) => [usage(name, command), command.summary]);
  return ['Tools for stores on disk.', '', ...commands.map(([line, summary]) => `${line}\n    ${summary}`)];
}

run(process.argv.slice(2), processTerminal()).then((code) => {
  process.exitCode = code;
});
