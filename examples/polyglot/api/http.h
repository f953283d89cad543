// As much of HTTP as a counter needs: one request for each connection.
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>

struct request {
    char method[8];
    char path[64];
    char token[128];  // the header X-Token
};

// Reads a request's head; 0 when it makes sense.
int http_read(int connection, struct request *request);
void http_answer(int connection, int status, const char *body);
// A connection to a port of this machine; -1 when nobody listens.
int http_connect(unsigned short port);
// A socket that listens on a port of all addresses; -1 on failure.
int http_listen(unsigned short port);

#endif
