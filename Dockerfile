# A thin caller of the commands that README names. For GPUs: --build-arg ACCELERATOR=gpu
FROM python:3.12-slim
ARG ACCELERATOR=cpu
RUN apt-get update && apt-get install -y --no-install-recommends git make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN make setup ACCELERATOR=${ACCELERATOR}
ENV PATH=/app/.venv/bin:$PATH PULSE_HOME=/home/pulse
VOLUME /home/pulse
EXPOSE 3000 5000
# `docker run -p 3000:3000 -p 5000:5000 pulse ui --host 0.0.0.0` serves the pages.
ENTRYPOINT ["pulse"]
CMD ["run"]
