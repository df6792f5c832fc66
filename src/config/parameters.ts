import { type KeyPath, place, type YamlFile } from './yaml-file.ts';

/** A template parameter's value as a file gives it, to be read by the parameter's own type. */
export interface ParameterInput {
  /** A number is the text that was written (`1e-5`, `007`), since a name may look like one. */
  readonly value: string | boolean | null;
  /** `file:line`. */
  readonly where: string;
}

export type ParameterInputs = Readonly<Record<string, ParameterInput>>;

/** The parameters of a map in a file; names are written with `_`, whichever of `-` and `_` the file has. */
export function parameterInputs(
  file: YamlFile,
  keyPath: KeyPath,
  values: Readonly<Record<string, string | number | boolean | null>>,
): ParameterInputs {
  const inputs = Object.entries(values).map(([name, value]) => {
    const path = [...keyPath, name];
    const plain = typeof value === 'number' ? (file.numberText(path) ?? String(value)) : value;
    return [name.replaceAll('-', '_'), { value: plain, where: place(file, path) }] as const;
  });
  return Object.fromEntries(inputs);
}
