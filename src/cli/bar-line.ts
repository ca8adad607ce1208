import type { Paint } from './colour.ts';

export interface LineFrame {
  /** Characters of a line, exclusive: a line that fills the last one would wrap. */
  readonly width: number;
  readonly paint: Paint;
}

/** A part of a line; the style does not count for its width. */
export interface Piece {
  readonly text: string;
  readonly style: 'plain' | 'dim' | 'bold' | 'cyan' | 'yellow';
}

export function piece(text: string, style: Piece['style'] = 'plain'): Piece {
  return { text, style };
}

/** Two pieces that stand as one: the second has no gap before it. */
export function barPieces(fraction: number, width: number): readonly Piece[] {
  const full = Math.min(width, Math.floor(fraction * width));
  return [piece('━'.repeat(full), 'cyan'), piece(`\0${'─'.repeat(width - full)}`, 'dim')];
}

/** Pieces with gaps between them, as many as fit; only the first is cut. */
export function fitted(pieces: readonly Piece[], { width, paint }: LineFrame): string {
  let room = width - 1;
  let line = '';
  for (const [index, { text, style }] of pieces.entries()) {
    const gap = index === 0 || text.startsWith('\0') ? '' : '  ';
    const shown = text.replace('\0', '');
    if (index > 0 && gap.length + shown.length > room) break;
    const cut = shown.slice(0, Math.max(0, room - gap.length));
    room -= gap.length + cut.length;
    line += gap + (style === 'plain' || cut === '' ? cut : paint(style, cut));
  }
  return line.trimEnd();
}
