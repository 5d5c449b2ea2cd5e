"""Builds the E2B template "agent". Beside this file lie s3mounts and rclone, both static."""

from e2b import Template, default_build_logger

template = (
    Template()
    .from_base_image()
    .copy("s3mounts", "/usr/bin/s3mounts", user="root", mode=0o755)
    .copy("rclone", "/usr/bin/rclone", user="root", mode=0o755)
    # Both run as the template's user, hence sudo. Without this line `s3mounts up` starts the supervisor itself.
    .set_start_cmd("sudo s3mounts start", "sudo s3mounts ready")
)

if __name__ == "__main__":
    Template.build(template, "agent", cpu_count=2, memory_mb=2048, on_build_logs=default_build_logger())
