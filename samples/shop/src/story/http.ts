/** What a service answered instead of success. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(`HTTP ${status}: ${body}`);
  }
}

/** GET, or POST with a body as JSON. @throws HttpError */
export async function call(url: string, body?: object): Promise<string> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, body === undefined ? {} : init);
  const text = await response.text();
  if (!response.ok) throw new HttpError(response.status, text);
  return text;
}

export async function callJson<T>(url: string, body?: object): Promise<T> {
  const text = await call(url, body);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
