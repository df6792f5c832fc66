import type { ParameterValue } from './parameter.ts';
import { type TemplateContext, type TemplateValue, Text } from './render.ts';

/**
 * Makes plain values safe for a template: every text is wrapped, so that it can only be printed through a helper
 * that quotes it for its place.
 */
export function templateContext(values: Readonly<Record<string, PlainValue>>): TemplateContext {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, wrap(value)]));
}

export type PlainValue = ParameterValue | readonly PlainValue[] | { readonly [name: string]: PlainValue };

function wrap(value: PlainValue): TemplateValue {
  if (typeof value === 'string') return new Text(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(wrap);
  return templateContext(value as Readonly<Record<string, PlainValue>>);
}
