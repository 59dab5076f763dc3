const { charCodeAt } = String.prototype;

/**
 * `text.charCodeAt(at)`, for loops that texts of all origins go through. V8 has many kinds of strings (whole, cut, joined, unique …), and
 * where more than four of them pass, it looks up the method and every `length` anew for each letter, which takes several times as long
 * as the rest of such a loop. Called like this there is nothing to look up.
 */
export const charCode = (text: string, at: number): number => charCodeAt.call(text, at);
