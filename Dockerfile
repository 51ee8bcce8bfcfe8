FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /sunfund ./cmd/sunfund

# Certificates, time zones and an ordinary user; no shell.
FROM gcr.io/distroless/static:nonroot
COPY --from=build /sunfund /sunfund
USER nonroot
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["/sunfund", "health"]
ENTRYPOINT ["/sunfund"]
CMD ["serve"]
