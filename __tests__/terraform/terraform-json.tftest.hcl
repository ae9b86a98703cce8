run "terraform_reads_the_json_as_it_was_meant" {
  module {
    source = "./terraform-json"
  }
  assert {
    condition     = output.actual == output.expected
    error_message = "Terraform reads\n${output.actual}\nnot\n${output.expected}"
  }
}
