#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int http_read(int connection, struct request *request)
{
    char head[4096];
    size_t length = 0;
    for (;;) {
        ssize_t count = read(connection, head + length, sizeof head - 1 - length);
        if (count <= 0)
            return -1;
        length += (size_t)count;
        head[length] = 0;
        if (strstr(head, "\r\n\r\n"))
            break;
        if (length == sizeof head - 1)
            return -1;
    }
    memset(request, 0, sizeof *request);
    if (sscanf(head, "%7s %63s", request->method, request->path) != 2)
        return -1;
    for (char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "X-Token: ", 9) == 0)
            sscanf(line + 11, "%127[^\r]", request->token);
    return 0;
}

void http_answer(int connection, int status, const char *body)
{
    const char *reason = status == 200 ? "OK" : status == 403 ? "Forbidden" : "Not Found";
    char answer[1024];
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                          "Connection: close\r\n\r\n%s",
                          status, reason, strlen(body), body);
    for (int done = 0; done < length;) {
        ssize_t count = write(connection, answer + done, (size_t)(length - done));
        if (count <= 0)
            return;
        done += (int)count;
    }
}

static struct sockaddr_in address(unsigned short port, unsigned host)
{
    struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(port)};
    result.sin_addr.s_addr = htonl(host);
    return result;
}

int http_connect(unsigned short port)
{
    struct sockaddr_in to = address(port, INADDR_LOOPBACK);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&to, sizeof to) < 0) {
        close(connection);
        return -1;
    }
    return connection;
}

int http_listen(unsigned short port)
{
    struct sockaddr_in at = address(port, INADDR_ANY);
    int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        return -1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 64) < 0) {
        close(listener);
        return -1;
    }
    return listener;
}
