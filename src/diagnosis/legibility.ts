/** Characters that no log has in number: control codes but for tab, line ends, bell, backspace and escape, and broken UTF-8. */
const ILLEGIBLE = /[\u0000-\u0006\u000e-\u001a\u001c-\u001f\ufffd]/g;
/** Of all characters, the share of these from which on it is no text. */
const MOST_ILLEGIBLE = 0.3;

export type Legibility = 'text' | 'empty' | 'illegible';

/** Looks at what is read of a log, line by line, for whether it is text at all. */
export interface Reader {
  readonly see: (raw: string) => void;
  readonly verdict: () => Legibility;
}

export function watchLegibility(): Reader {
  let characters = 0;
  let illegible = 0;
  return {
    see: (raw) => {
      const visible = raw.trim();
      characters += visible.length;
      illegible += visible.match(ILLEGIBLE)?.length ?? 0;
    },
    verdict: () => {
      if (characters === 0) return 'empty';
      return illegible / characters > MOST_ILLEGIBLE ? 'illegible' : 'text';
    },
  };
}
