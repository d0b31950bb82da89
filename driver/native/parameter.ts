/**
 * Names for parameters in error messages, found in the plan when they are needed.
 */
import type { PlanIr } from './ir.js';

/** Says what a parameter is for: the field it goes into or is compared with. */
export function nameParameter(ir: PlanIr, parameter: number): string {
  if ('insert' in ir) {
    return nameCell(ir.insert.fields, parameter);
  }
  if ('updateMany' in ir) {
    return nameCell([...ir.updateMany.key, ...ir.updateMany.set], parameter);
  }
  const field = fieldBeside(ir, parameter);
  return field === undefined ? `Parameter ${parameter + 1}` : `Field "${field}"`;
}

/** The field of a parameter of rows times fields. */
function nameCell(fields: readonly string[], parameter: number): string {
  const field = fields[parameter % fields.length];
  const row = Math.floor(parameter / fields.length) + 1;
  return field === undefined ? `Parameter ${parameter + 1}` : `Field "${field}" of row ${row}`;
}

/** The field named beside the operand `{p: parameter}`, in whatever kind of node holds it. */
function fieldBeside(node: unknown, parameter: number): string | undefined {
  if (typeof node !== 'object' || node === null) {
    return undefined;
  }
  for (const child of Object.values(node) as unknown[]) {
    if (typeof child === 'object' && child !== null && (child as { p?: unknown }).p === parameter) {
      return fieldOf(node);
    }
    const found = fieldBeside(child, parameter);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

interface NamesField {
  readonly field?: string;
  readonly path?: { readonly field: string; readonly json?: readonly string[] };
  readonly paths?: readonly { readonly field: string }[];
}

function fieldOf(node: NamesField): string | undefined {
  if (node.path !== undefined) {
    return [node.path.field, ...(node.path.json ?? [])].join('.');
  }
  return node.field ?? node.paths?.map((path) => path.field).join(', ');
}
