"""A small application server: a page that counts its visits in Redis and its rows in PostgreSQL."""

import http.server
import os
import socket
import socketserver

import psycopg2
import redis

with open(os.environ["DATABASE_PASSWORD_FILE"], encoding="utf-8") as secret:
    PASSWORD = secret.read().strip()

CACHE = redis.Redis(host=os.environ["REDIS_HOST"], socket_timeout=3)


def connect():
    return psycopg2.connect(
        host=os.environ["DATABASE_HOST"], user=os.environ["DATABASE_USER"], password=PASSWORD, dbname="postgres", connect_timeout=3
    )


def count_visit():
    visits = CACHE.incr("visits")
    with connect() as database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS visit (at timestamptz DEFAULT now(), host text)")
        cursor.execute("INSERT INTO visit (host) VALUES (%s)", (socket.gethostname(),))
        cursor.execute("SELECT count(*) FROM visit")
        return visits, cursor.fetchone()[0]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            if self.path == "/health":
                CACHE.ping()
                text = "ok\n"
            else:
                visits, rows = count_visit()
                text = f"visits in Redis: {visits}\nrows in PostgreSQL: {rows}\nserved by: {socket.gethostname()}\n"
            status = 200
        except (redis.RedisError, psycopg2.Error) as error:
            text, status = f"not ready: {error}\n", 503
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        print(f"{self.client_address[0]} {format % arguments}", flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


if __name__ == "__main__":
    print("listening on 8000", flush=True)
    Server(("0.0.0.0", 8000), Page).serve_forever()
