from kuflow_conformance.cli import main

main()
